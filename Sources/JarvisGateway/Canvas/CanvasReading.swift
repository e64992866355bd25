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

    /// Runs a call that blocks there.
    static func run<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result(catching: body)) }
        }
    }

    /// The answer with the file at `path`: the whole of it, the part that `request` asks for (206, 416), or that it has not
    /// changed (304). Pages are always given whole, because they get the snippet. Blocks.
    ///
    /// - Throws: `CanvasFiles.Refusal` but `notFound`, which is an answer; `SystemCallError`.
    static func answer(
        _ files: CanvasFiles, _ path: String, _ request: HTTPServerRequest, reload: String?, version: Int,
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
        let reader = Reader(descriptor: file.descriptor)
        if CanvasContentType.isPage(file.contentType), file.size <= pageBytes {
            let bytes = try read(reader.descriptor, 0..<file.size)
            return .bytes(
                CanvasSnippet.inject(into: bytes, reload: reload, version: version), contentType: file.contentType,
                headers: headers)
        }
        var headers = headers + [("Accept-Ranges", "bytes"), ("ETag", file.tag)]
        if EntityTag.isNamed(file.tag, in: request.headers("if-none-match")) {
            return .empty(status: 304, headers: headers)
        }
        var part = 0..<file.size
        var status = 200
        // A range has a meaning for GET alone.
        if request.method == "GET", EntityTag.allowsRange(file.tag, ifRange: request.headers("if-range")) {
            switch ByteRange(request.headers("range"), size: file.size) {
            case .whole: break
            case .unsatisfiable:
                return .text(
                    "Range Not Satisfiable: the file has \(file.size) bytes\n", status: 416,
                    headers: headers + [("Content-Range", "bytes */\(file.size)")])
            case .part(let range):
                (part, status) = (range, 206)
                headers.append(("Content-Range", "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(file.size)"))
            }
        }
        guard part.count > piece else {
            let bytes = try read(reader.descriptor, part)
            return .bytes(bytes, contentType: file.contentType, status: status, headers: headers)
        }
        return .stream(
            contentType: file.contentType, status: status, headers: headers, length: part.count
        ) { [part] writer in
            if request.method == "HEAD" { writer.end() } else { send(reader, part, to: writer) }
        }
    }

    /// Owns the descriptor of a file.
    private final class Reader: Sendable {
        let descriptor: Int32

        init(descriptor: Int32) { self.descriptor = descriptor }

        deinit { close(descriptor) }
    }

    /// On the event loop: sends piece after piece, the next one when the client has taken the one before.
    private static func send(_ reader: Reader, _ rest: Range<Int>, to writer: HTTPBodyWriter) {
        guard writer.isOpen else { return }
        guard !rest.isEmpty else { return writer.end() }
        let next = rest.prefix(piece)
        queue.async {
            // A file that can't be read on ends its answer early.
            let bytes = (try? read(reader.descriptor, next)) ?? []  // see above
            writer.eventLoop.execute {
                writer.write(bytes)
                guard bytes.count == next.count else { return writer.end() }
                writer.whenTaken { send(reader, next.upperBound..<rest.upperBound, to: writer) }
            }
        }
    }

    /// The bytes of `part`; fewer when the file ends before.
    private static func read(_ descriptor: Int32, _ part: Range<Int>) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: part.count)
        var filled = 0
        while filled < part.count {
            let count = bytes.withUnsafeMutableBytes { buffer in
                pread(
                    descriptor, buffer.baseAddress.map { $0 + filled }, part.count - filled,
                    off_t(part.lowerBound + filled))
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SystemCallError(call: "read", errorNumber: errno) }
            if count == 0 { break }
            filled += count
        }
        bytes.removeLast(part.count - filled)
        return bytes
    }
}
