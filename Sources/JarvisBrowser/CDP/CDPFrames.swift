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

    /// A message that grew beyond the limit, of which only the beginning was kept.
    struct Oversized: Sendable, Hashable {
        /// Its first bytes, at most 64.
        var head: [UInt8]
        /// What it was not to exceed.
        var limit: Int
    }

    private let limit: Int
    private var partial: [UInt8] = []
    // The beginning of a message that is too large, while the rest of it goes by.
    private var skipped: [UInt8]?

    init(limit: Int = Self.defaultLimit) { self.limit = limit }

    /// Whether a message has begun and not ended.
    var isMidMessage: Bool { !partial.isEmpty || skipped != nil }

    /// Takes the next bytes and hands every message that is now complete to `deliver`, in order; of one that is too
    /// large, its beginning to `oversized`, at its end. Empty messages are skipped.
    mutating func push(
        _ bytes: UnsafeRawBufferPointer, _ deliver: ([UInt8]) -> Void, oversized: (Oversized) -> Void
    ) {
        var start = 0
        while let base = bytes.baseAddress, start < bytes.count {
            guard let hit = memchr(base + start, 0, bytes.count - start) else { break }
            let end = UnsafeRawPointer(hit) - base
            keep(bytes[start..<end])
            start = end + 1
            if let head = skipped {
                skipped = nil
                oversized(Oversized(head: head, limit: limit))
            }
            guard !partial.isEmpty else { continue }
            let message = partial
            partial = []
            deliver(message)
        }
        if start < bytes.count { keep(bytes[start...]) }
    }

    private mutating func keep(_ piece: Slice<UnsafeRawBufferPointer>) {
        guard skipped == nil else { return }
        partial.append(contentsOf: piece.prefix(limit + 1 - partial.count))
        guard partial.count > limit else { return }
        skipped = Array(partial.prefix(64))
        partial = []
    }
}
