import JarvisCore
import JarvisNet

/// The address of a browser's debugging interface, as the configuration spells it: `http`, `https`, `ws` or `wss`, with
/// or without user, password and query. It prints without what may be a credential.
package struct CDPAddress: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
    /// `http`, `https`, `ws` or `wss`.
    package var scheme: String
    /// Host and port.
    package var authority: HTTPAuthority
    /// Path and query, beginning with `/`. The query may hold a token: never show it.
    package var target: String
    /// `user:password` as the address has it, percent-decoded; nil when there is none. Never show it.
    package var userInfo: String?

    /// Whether the connection is encrypted.
    package var isTLS: Bool { scheme == "https" || scheme == "wss" }
    /// Whether it is a WebSocket's address already, and needs no question to `/json/version` first.
    package var isWebSocket: Bool { scheme == "ws" || scheme == "wss" }
    /// The port to connect to.
    package var port: Int { authority.port ?? (isTLS ? 443 : 80) }
    /// Whether it names this host. `0.0.0.0` and `[::]` are no addresses to connect to and are refused by `init`.
    package var isLoopback: Bool { authority.isLoopback }
    /// The address for people and programs: without user, password and query.
    package var shown: String {
        let path = target.prefix { $0 != "?" }
        return "\(scheme)://\(authority.bracketedHost):\(port)\(path == "/" ? "" : path)"
    }
    /// What two addresses of the same browser have in common: host and port.
    package var endpoint: String { "\(authority.isLoopback ? "localhost" : authority.host):\(port)" }

    /// The same as `shown`.
    package var description: String { shown }
    /// Nothing to see.
    package var customMirror: Mirror { Mirror(self, children: []) }

    /// Reads `text`.
    ///
    /// - Throws: `browser.cdp_url`, exit 2, saying what is wrong without repeating the address.
    package init(_ text: String) throws(JarvisError) {
        // Whatever two parsers could read differently is refused before any part is looked at; ClientURL sees the rest.
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") }) else {
            throw Self.error("it holds a character that must be percent-encoded")
        }
        let words = text.split(separator: "://", maxSplits: 1, omittingEmptySubsequences: false)
        guard words.count == 2 else { throw Self.error("it must begin with http://, https://, ws:// or wss://") }
        let end = words[1].firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? words[1].endIndex
        var authority = words[1][..<end]
        var user: String?
        if let at = authority.lastIndex(of: "@") {
            guard let decoded = Self.decode(authority[..<at]) else { throw Self.error("user or password are damaged") }
            user = decoded
            authority = authority[authority.index(after: at)...]
        }
        do {
            let url = try ClientURL(
                "\(words[0])://\(authority)\(words[1][end...])", schemes: ["http", "https", "ws", "wss"])
            if let address = url.authority.address?.unmapped, [.v4(0), .v6(high: 0, low: 0)].contains(address) {
                throw Self.error("\(url.authority.host) is no address to connect to; write 127.0.0.1")
            }
            scheme = url.scheme
            self.authority = url.authority
            target = url.target
            userInfo = user
        } catch let error as HTTPClientError {
            throw Self.error(error.message)
        } catch {
            throw Self.error("it is no address")
        }
    }

    private static func error(_ why: String) -> JarvisError {
        JarvisError(
            "browser.cdp_url", "The debugging address of a browser can't be used: \(why).",
            hint: "It looks like http://127.0.0.1:9222 or wss://browser.example/session?token=…", exitCode: 2)
    }

    private static func decode(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let byte = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16), rest.count >= 2 else {
                return nil
            }
            bytes.append(byte)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
