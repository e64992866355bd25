import JarvisCore

/// The addresses that open the canvas: random words that were given to connected clients. Pure: time comes in.
///
/// Only hashes are kept, in memory: a capability belongs to this start of this gateway. It is good for `ttl` after its
/// last use, and while a page that was opened with it is connected. At most 256 exist, 16 for one client; the one that
/// was not used for longest goes first.
struct CanvasCapabilities: Sendable {
    /// Who got a capability.
    struct Holder: Sendable, Hashable {
        /// The connection; nil for the gateway itself.
        var connection: Int?
        /// The paired device, when it proved one.
        var deviceId: String?
    }

    private struct Entry {
        var holder: Holder
        var usedAt: Duration
        /// Pages that are connected with it now.
        var viewers = 0
    }

    /// How long one stays good after its last use.
    var ttl: Duration
    /// The most of all holders.
    static let limit = 256
    /// The most of one holder.
    static let limitOfHolder = 16
    private var entries: [String: Entry] = [:]

    /// None yet.
    init(ttl: Duration) { self.ttl = ttl }

    /// How many there are, expired ones included.
    var count: Int { entries.count }

    /// Makes a capability: 64 hexadecimal digits, 256 random bits.
    mutating func issue(to holder: Holder, now: Duration) -> String {
        entries = entries.filter { isGood($0.value, now) }
        if entries.values.count(where: { $0.holder == holder }) >= Self.limitOfHolder {
            dropStalest { $0.holder == holder }
        }
        if entries.count >= Self.limit { dropStalest { _ in true } }
        let token = Identifiers.randomHex(bytes: 32)
        entries[Self.key(token)] = Entry(holder: holder, usedAt: now)
        return token
    }

    /// Whether `token` is good; using it keeps it good.
    mutating func use(_ token: String, now: Duration) -> Bool {
        let key = Self.key(token)
        guard let entry = entries[key] else { return false }
        guard isGood(entry, now) else {
            entries[key] = nil
            return false
        }
        entries[key]?.usedAt = now
        return true
    }

    /// Who holds it and whether it is good, without using it.
    func holder(of token: String, now: Duration) -> Holder? {
        entries[Self.key(token)].flatMap { isGood($0, now) ? $0.holder : nil }
    }

    /// A page that was opened with it is connected.
    mutating func viewerCame(_ token: String) { entries[Self.key(token)]?.viewers += 1 }

    /// That page is gone.
    mutating func viewerLeft(_ token: String, now: Duration) {
        let key = Self.key(token)
        guard let viewers = entries[key]?.viewers else { return }
        entries[key]?.viewers = max(0, viewers - 1)
        entries[key]?.usedAt = now
    }

    /// Takes back those of the holders that `condition` names.
    mutating func revoke(where condition: (Holder) -> Bool) {
        entries = entries.filter { !condition($0.value.holder) }
    }

    /// `text` with `…` where it holds one of them. What a page says goes into transcripts, and the page knows its address.
    func redact(_ text: String) -> String {
        var bytes: [UInt8] = []
        var run: [UInt8] = []
        func ended(_ run: [UInt8]) -> [UInt8] {
            guard run.count == 64, entries[Self.key(String(decoding: run, as: UTF8.self))] != nil else { return run }
            return Array("…".utf8)
        }
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): run.append(byte)
            default:
                bytes += ended(run)
                run = []
                bytes.append(byte)
            }
        }
        return String(decoding: bytes + ended(run), as: UTF8.self)
    }

    /// The name under which a capability is kept.
    static func key(_ token: String) -> String { Identifiers.sha256Hex(token.utf8.prefix(512)) }

    private func isGood(_ entry: Entry, _ now: Duration) -> Bool { entry.viewers > 0 || now - entry.usedAt < ttl }

    private mutating func dropStalest(where condition: (Entry) -> Bool) {
        let candidates = entries.filter { condition($0.value) }
        let idle = candidates.filter { $0.value.viewers == 0 }
        let stalest = (idle.isEmpty ? candidates : idle).min { $0.value.usedAt < $1.value.usedAt }
        if let stalest { entries[stalest.key] = nil }
    }
}
