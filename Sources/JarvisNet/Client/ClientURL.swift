/// An absolute URL as the clients accept it: scheme, strict authority, path and query as written. No user name, no
/// password; a fragment is dropped.
package struct ClientURL: Sendable, Equatable {
    /// `http`, `https`, `ws` or `wss`, in lower case.
    package var scheme: String
    /// The host and the port as written.
    package var authority: HTTPAuthority
    /// What the request line carries: starts with `/`.
    package var target: String

    /// Whether the connection is encrypted.
    package var isTLS: Bool { scheme == "https" || scheme == "wss" }
    /// The port to connect to.
    package var port: Int { authority.port ?? (isTLS ? 443 : 80) }
    /// What the `Host` header says.
    package var hostHeader: String {
        authority.bracketedHost + (authority.port.map { ":\($0)" } ?? "")
    }

    /// Reads `text`.
    ///
    /// - Throws: `HTTPClientError` of kind `badURL`; its message does not repeat the URL, which may hold a secret.
    package init(_ text: String, schemes: Set<String> = ["http", "https"]) throws(HTTPClientError) {
        // Whatever two parsers could read differently is refused before any part is looked at.
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !#"\"<>^`{|}"#.utf8.contains($0) }) else {
            throw HTTPClientError(.badURL, "the URL holds a character that must be percent-encoded")
        }
        guard let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://") else {
            throw HTTPClientError(.badURL, "the URL must start with a scheme such as https://")
        }
        let scheme = text[..<colon].lowercased()
        guard schemes.contains(scheme) else {
            throw HTTPClientError(
                .badURL, "the URL's scheme must be one of \(schemes.sorted().joined(separator: ", "))")
        }
        let rest = text[text.index(colon, offsetBy: 3)...]
        let end = rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? rest.endIndex
        guard let authority = HTTPAuthority(rest[..<end]) else {
            throw HTTPClientError(
                .badURL,
                "the URL's host must be a plain name or address with an optional port, without user or password")
        }
        var target = rest[end...].prefix { $0 != "#" }
        if !target.hasPrefix("/") { target = "/" + target }
        self.scheme = scheme
        self.authority = authority
        self.target = String(target)
    }
}
