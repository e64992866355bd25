import JarvisCore

/// Reads the arguments of a request, from JSON or from a query, where numbers and flags are text.
struct ArgumentReader: Sendable {
    /// The value of an argument; nil when there is none.
    var value: @Sendable (String) -> JSONValue?

    init(_ value: @escaping @Sendable (String) -> JSONValue?) { self.value = value }

    init(_ call: BrowserCall) { value = { call[$0] } }

    init(_ object: JSONValue) { value = { object[$0] } }

    private func given(_ name: String) -> JSONValue? {
        guard let value = value(name), value != .null else { return nil }
        return value
    }

    /// A text that is not empty; nil when there is none. A number counts as its digits.
    func text(_ name: String) throws -> String? {
        switch given(name) {
        case nil: return nil
        case .string(let text): return text.isEmpty ? nil : text
        case .int(let number): return String(number)
        case let other?: throw BrowserError.argument("\(name) must be text, not \(Self.kind(other)).")
        }
    }

    /// A text that must be there.
    func needed(_ name: String, _ hint: String) throws -> String {
        guard let text = try text(name) else { throw BrowserError.argument("\(name) is missing: \(hint)") }
        return text
    }

    /// A text as it is, the empty one included.
    func raw(_ name: String) throws -> String? {
        switch given(name) {
        case nil: return nil
        case .string(let text): return text
        case .int(let number): return String(number)
        case .double(let number): return "\(number)"
        case let other?: throw BrowserError.argument("\(name) must be text, not \(Self.kind(other)).")
        }
    }

    /// A truth value; in a query `true`, `1`, `yes` or `on` and their opposites.
    func flag(_ name: String) throws -> Bool? {
        switch given(name) {
        case nil: return nil
        case .bool(let flag): return flag
        case .int(0): return false
        case .int(1): return true
        case .string(let text):
            switch text.lowercased() {
            case "true", "1", "yes", "on": return true
            case "false", "0", "no", "off", "": return false
            default: throw BrowserError.argument("\(name) is \"\(text.prefix(40))\"; it must be true or false.")
            }
        case let other?: throw BrowserError.argument("\(name) must be true or false, not \(Self.kind(other)).")
        }
    }

    /// A whole number within a range.
    func whole(_ name: String, _ range: ClosedRange<Int>) throws -> Int? {
        guard let given = given(name), given != "" else { return nil }
        guard let number = given.intValue ?? given.stringValue.flatMap({ Int($0) }) else {
            throw BrowserError.argument("\(name) must be a whole number, not \(Self.shown(given)).")
        }
        guard range.contains(number) else {
            throw BrowserError.argument(
                "\(name) is \(number); it must be from \(range.lowerBound) to \(range.upperBound).")
        }
        return number
    }

    /// One of the words of `type`.
    func choice<T: RawRepresentable & CaseIterable>(_ name: String, _ type: T.Type) throws -> T?
    where T.RawValue == String {
        guard let text = try text(name) else { return nil }
        guard let found = T(rawValue: text) else {
            let words = T.allCases.map(\.rawValue).joined(separator: ", ")
            throw BrowserError.argument("\(name) is \"\(text.prefix(40))\"; it must be one of: \(words).")
        }
        return found
    }

    /// A list of texts; a single text counts as a list of one.
    func texts(_ name: String) throws -> [String]? {
        switch given(name) {
        case nil: return nil
        case .array(let elements):
            return try elements.map { element in
                switch element {
                case .string(let text): return text
                case .int(let number): return String(number)
                default: throw BrowserError.argument("\(name) must be a list of texts; it holds \(Self.kind(element)).")
                }
            }
        case .string(let text): return [text]
        case .int(let number): return [String(number)]
        case let other?: throw BrowserError.argument("\(name) must be a list of texts, not \(Self.kind(other)).")
        }
    }

    private static func kind(_ value: JSONValue) -> String {
        value.kindName == "array" || value.kindName == "object" ? "an \(value.kindName)" : "a \(value.kindName)"
    }

    private static func shown(_ value: JSONValue) -> String {
        value.stringValue.map { "\"\($0.prefix(40))\"" } ?? kind(value)
    }
}

extension BrowserError {
    /// A refusal of an argument: 400 `invalid_input`.
    static func argument(_ message: String) -> BrowserError { BrowserError(400, "invalid_argument", message) }
}
