/// RFC 9110 field syntax.
enum HTTPFieldSyntax {
    /// Whether `text` is a token: a method or a field name.
    static func isToken(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !#""(),/:;<=>?@[\]{}"#.utf8.contains($0) }
    }

    /// Whether a field can be written without being read as something else.
    static func isSafe(name: String, value: String) -> Bool {
        isToken(name) && value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
    }
}
