import JarvisNet

/// An address that may be handed to a browser, in a spelling that the policy and every browser read the same way.
enum NavigationAddress: Sendable, Equatable {
    /// `about:blank`.
    case blank
    /// A page on the web.
    case web(WebAddress)

    /// Reads what a caller wrote.
    ///
    /// - Throws: `BrowserError` 400: `invalid_url` for what is malformed, `blocked_url` for a scheme that is never opened.
    init(_ text: String) throws(BrowserError) {
        let trimmed = Self.trimmed(text)
        let shown = Self.shown(trimmed)
        guard !trimmed.isEmpty else {
            throw Self.invalid("The address is empty; write one such as https://example.com/.")
        }
        guard trimmed.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw Self.invalid("The address \(shown) holds a control character; write it without.")
        }
        if trimmed.lowercased() == "about:blank" {
            self = .blank
            return
        }
        guard let colon = trimmed.firstIndex(of: ":"), Self.isScheme(trimmed[..<colon]) else {
            throw Self.invalid("The address \(shown) has no scheme; write https:// in front of it.")
        }
        let scheme = trimmed[..<colon].lowercased()
        let rest = trimmed[trimmed.index(after: colon)...]
        guard scheme == "http" || scheme == "https" else {
            // `localhost:3000` and `example.com:8080/x` look like a scheme.
            if scheme.contains(".") || scheme == "localhost" {
                throw Self.invalid("The address \(shown) has no scheme; write http:// or https:// in front of it.")
            }
            throw BrowserError(
                400, "blocked_url",
                "The address \(shown) is blocked: a browser may be sent to http:, https: and about:blank only, not to "
                    + "\(scheme):.")
        }
        guard rest.hasPrefix("//") else {
            throw Self.invalid("The address \(shown) is malformed: \(scheme): must be followed by // and a host.")
        }
        self = .web(try WebAddress(scheme: scheme, rest: rest.dropFirst(2), shown: shown))
    }

    /// At most 200 characters of an address, for messages; without user name and password.
    static func shown(_ text: String) -> String {
        var text = text[...]
        if let start = text.firstRange(of: "://")?.upperBound {
            let end = text[start...].firstIndex { "/?#\\".contains($0) } ?? text.endIndex
            if let at = text[start..<end].lastIndex(of: "@") {
                text = Substring(text[..<start] + "…" + text[at...])
            }
        }
        let clean = text.unicodeScalars.prefix(200).map { scalar in
            scalar.value < 0x20 || scalar.value == 0x7F ? "\u{FFFD}" : String(scalar)
        }.joined()
        return "\"\(clean)\(text.unicodeScalars.count > 200 ? "…" : "")\""
    }

    static func invalid(_ message: String) -> BrowserError { BrowserError(400, "invalid_url", message) }

    private static func trimmed(_ text: String) -> String {
        let bytes = Array(text.utf8)
        guard let first = bytes.firstIndex(where: { $0 > 0x20 }), let last = bytes.lastIndex(where: { $0 > 0x20 })
        else { return "" }
        return String(decoding: bytes[first...last], as: UTF8.self)
    }

    private static func isScheme(_ text: Substring) -> Bool {
        guard let first = text.first, first.isASCII, first.isLetter else { return false }
        return text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0)) }
    }
}

/// An `http` or `https` address with a host of strict grammar.
struct WebAddress: Sendable, Equatable {
    /// `http` or `https`.
    var scheme: String
    /// The host in lower case, names in ASCII (`xn--…`), IPv6 without brackets.
    var host: String
    /// The port to connect to.
    var port: Int
    /// The whole address in the spelling that browsers give it.
    var text: String

    init(scheme: String, rest: Substring, shown: String) throws(BrowserError) {
        let end = rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? rest.endIndex
        let written = rest[..<end]
        guard !written.contains("@") else {
            throw NavigationAddress.invalid(
                "The address \(shown) holds a user name or password; leave them out and give them with "
                    + "`\(CommandWords.current.browser("set credentials"))`.")
        }
        guard !written.utf8.contains(UInt8(ascii: "\\")) else {
            throw NavigationAddress.invalid("The address \(shown) is malformed: its host holds a backslash.")
        }
        let ascii = try DomainName.ascii(written, shown: shown)
        guard let authority = HTTPAuthority(ascii) else {
            throw NavigationAddress.invalid(
                "The address \(shown) is malformed: its host must be a name such as example.com or an IP address in its "
                    + "usual spelling (127.0.0.1, [::1]), with an optional port from 1 to 65535.")
        }
        let standard = scheme == "https" ? 443 : 80
        self.scheme = scheme
        host = authority.host
        port = authority.port ?? standard
        let place = authority.bracketedHost + (port == standard ? "" : ":\(port)")
        text = "\(scheme)://\(place)" + (rest[end...].hasPrefix("/") ? "" : "/") + Self.encoded(rest[end...])
    }

    /// Bytes that are not ASCII, and spaces, percent-encoded; everything else as written.
    private static func encoded(_ text: Substring) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            if byte > 0x20, byte < 0x7F {
                bytes.append(byte)
            } else {
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Names with letters outside ASCII.
enum DomainName {
    /// The ASCII form of a host with optional port: labels with other letters become `xn--…`.
    ///
    /// Characters that a browser would read as others (full-width letters, circled digits, `ß`) are refused: what they
    /// turn into is the browser's table, not ours.
    static func ascii(_ text: Substring, shown: String) throws(BrowserError) -> String {
        guard !text.utf8.allSatisfy({ $0 < 0x80 }) else { return String(text) }
        // The port, if any, is ASCII and stays.
        let colon = text.lastIndex(of: ":") ?? text.endIndex
        var labels: [String] = []
        for label in text[..<colon].lowercased().split(separator: ".", omittingEmptySubsequences: false) {
            guard !label.utf8.allSatisfy({ $0 < 0x80 }) else {
                labels.append(String(label))
                continue
            }
            let scalars = Array(label.unicodeScalars)
            guard scalars.allSatisfy(isPlain), let encoded = Punycode.encode(scalars) else {
                throw NavigationAddress.invalid(
                    "The address \(shown) is malformed: its host holds a character that names can't have or that "
                        + "browsers read as another one; write the host in its xn-- form.")
            }
            labels.append("xn--" + encoded)
        }
        return labels.joined(separator: ".") + text[colon...]
    }

    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII {
            return scalar == "-" || ("a"..."z").contains(scalar) || ("0"..."9").contains(scalar)
        }
        guard !scalar.properties.changesWhenNFKCCaseFolded, !scalar.properties.isDefaultIgnorableCodePoint else {
            return false
        }
        switch scalar.properties.generalCategory {
        case .lowercaseLetter, .otherLetter, .modifierLetter, .nonspacingMark, .spacingMark: return true
        default: return false
        }
    }
}

/// RFC 3492.
enum Punycode {
    /// The encoded label without `xn--`; nil when it does not fit into a label.
    static func encode(_ scalars: [Unicode.Scalar]) -> String? {
        guard scalars.count < 60 else { return nil }
        var output = scalars.filter(\.isASCII).map { UInt8(truncatingIfNeeded: $0.value) }
        let basic = output.count
        if basic > 0 { output.append(UInt8(ascii: "-")) }
        var handled = basic
        var code: UInt32 = 128
        var delta = 0
        var bias = 72
        while handled < scalars.count {
            guard let next = scalars.map(\.value).filter({ $0 >= code }).min() else { return nil }
            delta += Int(next - code) * (handled + 1)
            code = next
            for scalar in scalars {
                if scalar.value < code { delta += 1 }
                guard scalar.value == code else { continue }
                var rest = delta
                var base = 36
                while true {
                    let threshold = min(max(base - bias, 1), 26)
                    if rest < threshold { break }
                    output.append(digit(threshold + (rest - threshold) % (36 - threshold)))
                    rest = (rest - threshold) / (36 - threshold)
                    base += 36
                }
                output.append(digit(rest))
                bias = adapt(delta, points: handled + 1, first: handled == basic)
                delta = 0
                handled += 1
            }
            delta += 1
            code += 1
        }
        return output.count <= 59 ? String(decoding: output, as: UTF8.self) : nil
    }

    private static func digit(_ value: Int) -> UInt8 {
        value < 26 ? UInt8(ascii: "a") + UInt8(value) : UInt8(ascii: "0") + UInt8(value - 26)
    }

    private static func adapt(_ delta: Int, points: Int, first: Bool) -> Int {
        var delta = first ? delta / 700 : delta / 2
        delta += delta / points
        var steps = 0
        while delta > 455 {
            delta /= 35
            steps += 36
        }
        return steps + 36 * delta / (delta + 38)
    }
}
