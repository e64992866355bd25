#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Cuts what comes out of a debugging pipe into messages: each ends with a zero byte. Pure.
struct CDPFrames {
    /// The largest message that is taken: 256 MiB, as much as Chromium itself sends over a WebSocket.
    static let defaultLimit = 256 << 20

    /// A message grew beyond the limit.
    struct TooLarge: Error, Hashable { var limit: Int }

    private let limit: Int
    private var partial: [UInt8] = []

    init(limit: Int = Self.defaultLimit) { self.limit = limit }

    /// Whether a message has begun and not ended.
    var isMidMessage: Bool { !partial.isEmpty }

    /// Takes the next bytes and hands every message that is now complete to `deliver`, in order. Empty messages are
    /// skipped.
    mutating func push(_ bytes: UnsafeRawBufferPointer, _ deliver: ([UInt8]) -> Void) throws(TooLarge) {
        var start = 0
        while let base = bytes.baseAddress, start < bytes.count {
            guard let hit = memchr(base + start, 0, bytes.count - start) else { break }
            let end = UnsafeRawPointer(hit) - base
            if partial.count + (end - start) > limit { throw TooLarge(limit: limit) }
            partial.append(contentsOf: bytes[start..<end])
            start = end + 1
            guard !partial.isEmpty else { continue }
            let message = partial
            partial = []
            deliver(message)
        }
        guard start < bytes.count else { return }
        if partial.count + (bytes.count - start) > limit { throw TooLarge(limit: limit) }
        partial.append(contentsOf: bytes[start...])
    }
}
