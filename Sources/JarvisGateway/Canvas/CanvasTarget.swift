// lint: family names — clients of the family open the canvas under its older prefix.

/// What a path of the gateway port asks of the canvas. Pure.
///
/// `/__jarvis__/canvas/…` is a file, `/__jarvis__/ws` the socket that announces changes, and
/// `/__jarvis__/cap/<capability>/…` carries a capability before either of them; behind a capability any other path is a
/// file too. The query parameter `oc_cap` carries a capability as well.
struct CanvasTarget: Sendable, Hashable {
    /// What is asked for.
    enum Kind: Sendable, Hashable {
        /// A file; the path below the root, `""` or beginning with `/`.
        case file(String)
        /// The WebSocket of live reload.
        case reload
    }

    /// What is asked for.
    var kind: Kind
    /// The capability that was shown.
    var capability: String?
    /// What precedes the file's path in the address: `/__jarvis__/canvas`.
    var base: String
    /// What precedes `/__jarvis__` in the address: the capability's part, or nothing.
    var scope: String
    /// Whether the capability came as `oc_cap`.
    var isInQuery = false

    /// The prefix that this product's addresses begin with.
    static let prefix = "/__jarvis__"
    private static let prefixes = [prefix, "/__openclaw__"]
    /// The name of the query parameter.
    static let queryName = "oc_cap"

    /// Reads a normalised path; nil when it is none of the canvas's.
    init?(path: String, query: [(name: String, value: String)] = []) {
        if let plain = Self.plain(path) {
            kind = plain.kind
            base = plain.base
            scope = ""
            capability = query.first { $0.name == Self.queryName }?.value
            isInQuery = capability != nil
            return
        }
        guard let (scope, token, rest) = Self.scoped(path) else { return nil }
        self.scope = scope
        capability = token
        if let plain = Self.plain(rest) {
            kind = plain.kind
            base = scope + plain.base
        } else {
            guard !Self.prefixes.contains(where: { rest == $0 || rest.hasPrefix($0 + "/") }) else { return nil }
            kind = .file(rest)
            base = scope
        }
    }

    /// Whether the path belongs to the canvas, also where nothing is: no other route and no other WebSocket is there.
    static func isReserved(_ path: String) -> Bool {
        prefixes.contains { path == $0 || path.hasPrefix($0 + "/") }
    }

    private static func plain(_ path: String) -> (kind: Kind, base: String)? {
        for prefix in prefixes {
            if path == prefix + "/ws" { return (.reload, prefix + "/ws") }
            let base = prefix + "/canvas"
            if path == base { return (.file(""), base) }
            if path.hasPrefix(base + "/") { return (.file(String(path.dropFirst(base.count))), base) }
        }
        return nil
    }

    private static func scoped(_ path: String) -> (scope: String, token: String, rest: String)? {
        for prefix in prefixes {
            let base = prefix + "/cap/"
            guard path.hasPrefix(base) else { continue }
            let token = path.dropFirst(base.count).prefix { $0 != "/" }
            guard !token.isEmpty else { return nil }
            return (base + token, String(token), String(path.dropFirst(base.count + token.count)))
        }
        return nil
    }

    /// The path of the socket that announces changes, when a capability opens it.
    var reloadPath: String? { capability.map { "\(Self.prefix)/cap/\(Self.escape($0))\(Self.prefix)/ws" } }

    /// The address of a page of the canvas behind a capability: `/__jarvis__/cap/<capability>/__jarvis__/canvas/…`.
    static func address(capability: String, path: String) -> String {
        "\(prefix)/cap/\(capability)\(prefix)/canvas\(escape(path))"
    }

    /// A decoded path as it is spelled in an address.
    static func escape(_ path: String) -> String {
        var bytes: [UInt8] = []
        for byte in path.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"), UInt8(ascii: "/"):
                bytes.append(byte)
            default:
                bytes.append(UInt8(ascii: "%"))
                bytes.append(contentsOf: "0123456789ABCDEF".utf8.dropFirst(Int(byte >> 4)).prefix(1))
                bytes.append(contentsOf: "0123456789ABCDEF".utf8.dropFirst(Int(byte & 15)).prefix(1))
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
