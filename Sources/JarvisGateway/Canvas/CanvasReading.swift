@preconcurrency import Dispatch
import JarvisCore
import JarvisNet
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Reads files of the canvas off the event loop.
enum CanvasReading {
    /// Where files are read; each job is one piece, so that a large file holds up nobody.
    static let queue = DispatchQueue(label: "jarvis.canvas")
    /// Files up to this size are read at once, larger ones in pieces of it.
    private static let piece = 256 << 10
    /// Pages up to this size get the snippet.
    private static let pageBytes = 8 << 20
    /// No further piece is read while so much waits for the client.
    private static let waiting = 1 << 20

    /// Runs a call that blocks there.
    static func run<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result(catching: body)) }
        }
    }

    /// The answer with the file at `path`. Blocks.
    ///
    /// - Throws: `CanvasFiles.Refusal` but `notFound`, which is an answer; `SystemCallError`.
    static func answer(
        _ files: CanvasFiles, _ path: String, isHead: Bool, reload: String?, version: Int,
        headers: [(String, String)]
    ) throws -> HTTPServerResponse {
        let file: CanvasFiles.Opened
        do {
            file = try files.open(path)
        } catch .notFound {
            // It may come to be, and then the page that shows this loads anew.
            let page = CanvasSnippet.inject(into: Array(CanvasWelcome.missing.utf8), reload: reload, version: version)
            return .bytes(page, contentType: "text/html; charset=utf-8", status: 404, headers: headers)
        }
        let isPage = CanvasContentType.isPage(file.contentType) && file.size <= pageBytes
        guard isPage || file.size <= piece else {
            let reader = Reader(descriptor: file.descriptor)
            return .stream(contentType: file.contentType, headers: headers) { writer in
                if isHead { writer.end() } else { send(reader, to: writer) }
            }
        }
        defer { close(file.descriptor) }
        var bytes = try read(file.descriptor, at: 0, atMost: file.size)
        if isPage { bytes = CanvasSnippet.inject(into: bytes, reload: reload, version: version) }
        return .bytes(bytes, contentType: file.contentType, headers: headers)
    }

    /// Owns the descriptor of a streamed file.
    private final class Reader: Sendable {
        let descriptor: Int32

        init(descriptor: Int32) { self.descriptor = descriptor }

        deinit { close(descriptor) }
    }

    /// On the event loop: sends piece after piece, as fast as the client takes them.
    private static func send(_ reader: Reader, to writer: HTTPBodyWriter, at offset: Int = 0) {
        guard writer.isOpen else { return }
        guard writer.bufferedBytes < waiting else {
            writer.eventLoop.scheduleTask(in: .milliseconds(20)) { send(reader, to: writer, at: offset) }
            return
        }
        queue.async {
            let bytes = try? read(reader.descriptor, at: offset, atMost: piece)  // what has begun can only end
            writer.eventLoop.execute {
                guard let bytes, !bytes.isEmpty, offset + bytes.count <= CanvasFiles.servedBytes else {
                    return writer.end()
                }
                writer.write(bytes)
                send(reader, to: writer, at: offset + bytes.count)
            }
        }
    }

    private static func read(_ descriptor: Int32, at offset: Int, atMost limit: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: limit)
        var filled = 0
        while filled < limit {
            let count = bytes.withUnsafeMutableBytes { buffer in
                pread(descriptor, buffer.baseAddress.map { $0 + filled }, limit - filled, off_t(offset + filled))
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SystemCallError(call: "read", errorNumber: errno) }
            if count == 0 { break }
            filled += count
        }
        bytes.removeLast(limit - filled)
        return bytes
    }
}
