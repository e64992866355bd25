import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Reads the end of a log file, or what came since a cursor. Blocking.
enum LogTail {
    /// What is asked for.
    struct Request: Sendable {
        /// The byte offset that the last answer gave.
        var cursor: Int?
        /// At most so many lines, the newest.
        var limit: Int
        /// At most so many bytes, the newest.
        var maxBytes: Int
    }

    /// `{file, cursor, size, lines[], truncated?, reset?}`. A cursor beyond the end means that the file was rotated:
    /// reading starts afresh and `reset` says so.
    static func read(_ path: String, _ request: Request) throws -> JSONValue {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT { return ["file": .string(path), "cursor": 0, "size": 0, "lines": []] }
            throw SystemCallError(call: "open", errorNumber: errno, subject: path)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw SystemCallError(call: "fstat", errorNumber: errno, subject: path)
        }
        let size = Int(status.st_size)
        let wasReset = (request.cursor ?? 0) > size
        var start = wasReset ? 0 : (request.cursor ?? 0)
        let isTruncated = size - start > request.maxBytes
        if isTruncated { start = size - request.maxBytes }
        var bytes = [UInt8](repeating: 0, count: size - start)
        let count = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, off_t(start)) }
        guard count >= 0 else { throw SystemCallError(call: "pread", errorNumber: errno, subject: path) }
        bytes.removeLast(bytes.count - count)
        // Only whole lines: the cursor stops before a line that is still being written.
        let end = bytes.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        var lines = bytes[..<end].split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) }
        if isTruncated, !lines.isEmpty { lines.removeFirst() }
        let isCut = lines.count > request.limit
        if isCut { lines.removeFirst(lines.count - request.limit) }
        return .members([
            "file": .string(path), "cursor": JSONValue(start + end), "size": JSONValue(size), "lines": JSONValue(lines),
            "truncated": isTruncated || isCut ? true : nil, "reset": wasReset ? true : nil,
        ])
    }
}
