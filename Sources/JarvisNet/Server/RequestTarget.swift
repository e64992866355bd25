/// The path and the query of a request, decoded and normalised once, so that authentication and routing judge the same
/// text.
package struct RequestTarget: Equatable {
    /// Starts with `/`; no empty, `.` or `..` segment; valid UTF-8 without control characters. An encoded slash is a
    /// slash. A trailing slash stays.
    package var path: String
    /// The decoded pairs in order; `+` is a space.
    package var query: [(name: String, value: String)]

    /// Whether both name the same path and query.
    package static func == (left: RequestTarget, right: RequestTarget) -> Bool {
        left.path == right.path && left.query.count == right.query.count
            && zip(left.query, right.query).allSatisfy { $0 == $1 }
    }

    /// Reads an origin-form target such as `/a/b?c=d`; nil when it is malformed.
    package init?(_ target: some StringProtocol) {
        let bytes = Array(target.utf8)
        guard bytes.first == UInt8(ascii: "/"),
            bytes.allSatisfy({ $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "#") && $0 != UInt8(ascii: "\\") })
        else { return nil }
        let mark = bytes.firstIndex(of: UInt8(ascii: "?")) ?? bytes.endIndex
        guard let path = Self.normalise(bytes[..<mark]) else { return nil }
        self.path = path
        query = []
        guard mark < bytes.endIndex else { return }
        for pair in bytes[(mark + 1)...].split(separator: UInt8(ascii: "&")) {
            let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
            let rest = equals < pair.endIndex ? pair[(equals + 1)...] : []
            guard let name = Self.decodeText(pair[..<equals]), let value = Self.decodeText(rest) else { return nil }
            query.append((name, value))
        }
    }

    private static func normalise(_ raw: ArraySlice<UInt8>) -> String? {
        guard let decoded = decode(raw, plusIsSpace: false),
            decoded.allSatisfy({ $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\\") })
        else { return nil }
        var segments: [ArraySlice<UInt8>] = []
        var endsWithSlash = false
        for segment in decoded.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).dropFirst() {
            endsWithSlash = true
            switch Array(segment) {
            case [], [0x2E]: break
            case [0x2E, 0x2E]: _ = segments.popLast()
            default:
                segments.append(segment)
                endsWithSlash = false
            }
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(decoded.count)
        for segment in segments {
            bytes.append(UInt8(ascii: "/"))
            bytes.append(contentsOf: segment)
        }
        if endsWithSlash || bytes.isEmpty { bytes.append(UInt8(ascii: "/")) }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func decodeText(_ raw: ArraySlice<UInt8>) -> String? {
        guard let decoded = decode(raw, plusIsSpace: true), !decoded.contains(0) else { return nil }
        return String(validating: decoded, as: UTF8.self)
    }

    private static func decode(_ raw: ArraySlice<UInt8>, plusIsSpace: Bool) -> [UInt8]? {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(raw.count)
        var index = raw.startIndex
        while index < raw.endIndex {
            let byte = raw[index]
            if byte == UInt8(ascii: "%") {
                guard index + 2 < raw.endIndex, let high = HexDigit.value(raw[index + 1]),
                    let low = HexDigit.value(raw[index + 2])
                else { return nil }
                decoded.append(high << 4 | low)
                index += 3
            } else {
                decoded.append(byte == UInt8(ascii: "+") && plusIsSpace ? 0x20 : byte)
                index += 1
            }
        }
        return decoded
    }
}
