/// Finds credentials by their shape. Hand-written over bytes: every log line passes through here.
enum SecretShapes {
    /// The ranges of `bytes` to mask; they may overlap.
    static func ranges(in bytes: [UInt8]) -> [Range<Int>] {
        var found: [Range<Int>] = []
        for index in bytes.indices {
            switch bytes[index] {
            case UInt8(ascii: "="), UInt8(ascii: ":"):
                if let range = assigned(bytes, at: index) { found.append(range) }
                if let range = telegram(bytes, at: index) { found.append(range) }
                if let range = userInfo(bytes, at: index) { found.append(range) }
            case UInt8(ascii: "-"):
                if let range = privateKey(bytes, at: index) { found.append(range) }
            default: break
            }
            guard isBoundary(bytes, before: index) else { continue }
            if let range = scheme(bytes, at: index) ?? prefixed(bytes, at: index) ?? webToken(bytes, at: index) {
                found.append(range)
            }
        }
        return found
    }

    static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    /// Whether the last word of a name says secret. Words end at `_`, `-`, `.` and where a capital begins.
    static func isSecretName(_ name: [UInt8]) -> Bool {
        let plain = String(decoding: name.filter { isTokenByte($0) }.map(lowercase), as: UTF8.self)
        let joined = plain.filter { $0 != "_" && $0 != "-" && $0 != "." }
        if ["apikey", "privatekey", "secretkey", "accesskey", "setcookie"].contains(where: joined.hasSuffix) {
            return true
        }
        return ["token", "password", "passwd", "passphrase", "secret", "authorization", "cookie"]
            .contains(where: joined.hasSuffix)
    }

    /// `token=…`, `"password": "…"`: the value, when the name left of the sign says secret. A bare `key=` counts too;
    /// with a colon a short or blank-separated value is prose and stays.
    private static func assigned(_ bytes: [UInt8], at sign: Int) -> Range<Int>? {
        var end = sign
        while end > 0, isQuote(bytes[end - 1]) || bytes[end - 1] == UInt8(ascii: " ") { end -= 1 }
        var start = end
        while start > 0, isTokenByte(bytes[start - 1]), end - start < 64 { start -= 1 }
        let name = Array(bytes[start..<end])
        let isEqualSign = bytes[sign] == UInt8(ascii: "=")
        guard !name.isEmpty, isSecretName(name) || (isEqualSign && name.map(lowercase) == Array("key".utf8)) else {
            return nil
        }
        var value = sign + 1
        while value < bytes.count, bytes[value] == UInt8(ascii: " ") { value += 1 }
        guard value < bytes.count else { return nil }
        if isQuote(bytes[value]) {
            let quote = bytes[value]
            let close = bytes[(value + 1)...].firstIndex(of: quote) ?? bytes.count
            return close > value + 1 ? (value + 1)..<close : nil
        }
        // `Authorization: Bearer …` is two words.
        if let range = scheme(bytes, at: value) { return range }
        let last = endOfValue(bytes, from: value)
        let length = last - value
        return length >= (isEqualSign ? 1 : 8) ? value..<last : nil
    }

    private static func endOfValue(_ bytes: [UInt8], from start: Int) -> Int {
        let stops = Array(" \t\r\n&;,\"'<>)}]#".utf8)
        return bytes[start...].firstIndex { stops.contains($0) } ?? bytes.count
    }

    /// `Bearer …`, `Basic …`: the credential.
    private static func scheme(_ bytes: [UInt8], at index: Int) -> Range<Int>? {
        for word in ["bearer", "basic"] {
            guard let start = after(word, bytes, index, ignoringCase: true), start < bytes.count,
                bytes[start] == UInt8(ascii: " ")
            else { continue }
            var value = start
            while value < bytes.count, bytes[value] == UInt8(ascii: " ") { value += 1 }
            let end =
                bytes[value...].firstIndex { byte in
                    !isTokenByte(byte) && !Array("+/=~:%".utf8).contains(byte)
                } ?? bytes.count
            if end - value >= 8 { return value..<end }
        }
        return nil
    }

    private static let beginnings: [(text: String, least: Int)] = [
        ("sk-", 12), ("rk-", 12), ("pk-", 12), ("sk_", 12), ("ghp_", 16), ("gho_", 16), ("ghs_", 16), ("ghu_", 16),
        ("github_pat_", 16), ("glpat-", 16), ("xoxb-", 10), ("xoxp-", 10), ("xoxa-", 10), ("xoxs-", 10), ("xapp-", 10),
        ("AIza", 30), ("AKIA", 12), ("ASIA", 12), ("hf_", 16), ("gsk_", 16), ("xai-", 16), ("ya29.", 16), ("npm_", 16),
        ("SG.", 20),
    ]

    /// A token that begins as its issuer's tokens do.
    private static func prefixed(_ bytes: [UInt8], at index: Int) -> Range<Int>? {
        for beginning in beginnings {
            guard let start = after(beginning.text, bytes, index, ignoringCase: false) else { continue }
            let end = bytes[start...].firstIndex { !isTokenByte($0) } ?? bytes.count
            if end - start >= beginning.least { return index..<end }
        }
        return nil
    }

    /// `eyJ….….…`.
    private static func webToken(_ bytes: [UInt8], at index: Int) -> Range<Int>? {
        guard after("eyJ", bytes, index, ignoringCase: false) != nil else { return nil }
        let end = bytes[index...].firstIndex { !isTokenByte($0) } ?? bytes.count
        let parts = bytes[index..<end].split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.count >= 3 && parts[0].count >= 10 && parts[1].count >= 4 ? index..<end : nil
    }

    /// `123456789:AA…`: 6 to 12 digits, a colon, at least 30 letters.
    private static func telegram(_ bytes: [UInt8], at colon: Int) -> Range<Int>? {
        var start = colon
        while start > 0, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[start - 1]), colon - start < 13 {
            start -= 1
        }
        guard (6...12).contains(colon - start) else { return nil }
        let end = bytes[(colon + 1)...].firstIndex { !isTokenByte($0) || $0 == UInt8(ascii: ".") } ?? bytes.count
        return end - colon > 30 ? start..<end : nil
    }

    /// `://user:password@`: what stands between the slashes and the sign.
    private static func userInfo(_ bytes: [UInt8], at colon: Int) -> Range<Int>? {
        let start = colon + 3
        guard start < bytes.count, bytes[colon + 1] == UInt8(ascii: "/"), bytes[colon + 2] == UInt8(ascii: "/") else {
            return nil
        }
        let stops = Array("/?# \t\r\n\"'<>".utf8)
        let end = bytes[start...].firstIndex { stops.contains($0) } ?? bytes.count
        guard let at = bytes[start..<end].lastIndex(of: UInt8(ascii: "@")), at > start else { return nil }
        return start..<at
    }

    /// `-----BEGIN … PRIVATE KEY-----` to its end, or to the end of the text when it was cut off.
    private static func privateKey(_ bytes: [UInt8], at index: Int) -> Range<Int>? {
        guard let start = after("-----BEGIN ", bytes, index, ignoringCase: false) else { return nil }
        let head = bytes[start..<min(start + 40, bytes.count)]
        guard String(decoding: head, as: UTF8.self).contains("PRIVATE KEY-----") else { return nil }
        let end = (start..<bytes.count).first { after("-----END ", bytes, $0, ignoringCase: false) != nil }
        guard let end else { return index..<bytes.count }
        let close = bytes[(end + 9)...].firstIndex(of: UInt8(ascii: "-")).map { min($0 + 5, bytes.count) }
        return index..<(close ?? bytes.count)
    }

    private static func isBoundary(_ bytes: [UInt8], before index: Int) -> Bool {
        guard index > 0 else { return true }
        let byte = bytes[index - 1]
        return !isTokenByte(byte) || byte == UInt8(ascii: ".")
    }

    private static func after(_ word: String, _ bytes: [UInt8], _ index: Int, ignoringCase: Bool) -> Int? {
        var position = index
        for letter in word.utf8 {
            guard position < bytes.count else { return nil }
            let byte = ignoringCase ? lowercase(bytes[position]) : bytes[position]
            guard byte == letter else { return nil }
            position += 1
        }
        return position
    }

    private static func isQuote(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") }

    private static func lowercase(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte + 32 : byte
    }
}
