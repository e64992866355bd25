import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The end of a log file, read without its gateway. Blocking.
struct LogFileTail {
    /// The file's path.
    let path: String

    /// The whole lines in the last `maximumBytes`, oldest first; none when the file can't be read.
    func lastLines(maximumBytes: Int) -> [String] { lines(from: nil, maximumBytes: maximumBytes).lines }

    /// Whole lines after byte `cursor` (nil: the end of the file), and the cursor for what comes later. A file that is
    /// shorter than the cursor was rotated and is read from its start.
    func lines(from cursor: Int?, maximumBytes: Int) -> (lines: [String], cursor: Int) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return ([], 0) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return ([], 0) }
        let size = Int(status.st_size)
        var start = cursor ?? 0
        if start > size { start = 0 }
        let isCut = size - start > maximumBytes
        if isCut { start = size - maximumBytes }
        var bytes = [UInt8](repeating: 0, count: size - start)
        let count = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, off_t(start)) }
        guard count > 0 else { return ([], start) }
        let end = bytes[..<count].lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        var lines = bytes[..<end].split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) }
        if isCut, !lines.isEmpty { lines.removeFirst() }
        return (lines, start + end)
    }
}
