import Dispatch

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Reads standard input on a thread of its own, which ends with the process.
enum ChatInput {
    /// What was typed.
    enum Piece: Sendable {
        case keys([Key])
        case line(String)
        case end
    }

    /// Starts reading: keys from a terminal in raw mode, else lines.
    static func start(isRaw: Bool, _ handler: @escaping @Sendable (Piece) -> Void) {
        DispatchQueue(label: "ai.jarvis.chat.input").async {
            isRaw ? readKeys(handler) : readLines(handler)
            handler(.end)
        }
    }

    private static func readKeys(_ handler: (Piece) -> Void) {
        var decoder = KeyDecoder()
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(STDIN_FILENO, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            if count <= 0 { return }
            let keys = decoder.push(chunk[..<count])
            if !keys.isEmpty { handler(.keys(keys)) }
        }
    }

    private static func readLines(_ handler: (Piece) -> Void) {
        while let line = readLine() { handler(.line(line)) }
    }
}
