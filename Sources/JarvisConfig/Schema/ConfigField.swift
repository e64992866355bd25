import JarvisCore
import JarvisFormats

/// One row of the table that describes the configuration. Everything said about a key (validation, JSON schema, hints
/// for forms, reference page, suggestions, redaction, reload class, default) is derived from its row.
package struct ConfigField: Sendable {
    /// What a value may be.
    package indirect enum Kind: Sendable {
        case bool
        case integer(ClosedRange<Int>)
        case number(ClosedRange<Double>)
        case string
        /// Text of at least one character that is not white space.
        case text
        /// An absolute `http` or `https` address (or those of `schemes`).
        case url(schemes: [String])
        case choice([String])
        case strings
        /// Text, or a reference `{source, provider, id}` to it.
        case secret
        /// An object whose keys are rows of their own.
        case object
        /// An object with any keys; the rows below `*` describe the values.
        case map
        /// An array; the rows below `[]` describe the elements.
        case list
        /// Any value: known to the family, not interpreted here.
        case any
        case either([Kind])
    }

    /// What a change of a key needs to become effective.
    package enum Reload: String, Sendable, Comparable {
        /// Nothing: it is read when it is used.
        case none
        /// One part of the gateway starts anew.
        case hot
        /// The gateway must restart.
        case restart

        package static func < (left: Reload, right: Reload) -> Bool { left.rank < right.rank }

        private var rank: Int {
            switch self {
            case .none: 0
            case .hot: 1
            case .restart: 2
            }
        }
    }

    /// What becomes of a value when an instance is copied under another name on the same host.
    package enum Sharing: String, Sendable, CaseIterable {
        /// It is copied: two gateways may hold the same value.
        case share
        /// It is left out: two gateways with the same value would be in each other's way.
        case exclusive
        /// The copy gets a fresh one: port, token, places.
        case regenerate
    }

    /// What a number counts.
    package enum Unit: String, Sendable {
        case milliseconds, seconds, minutes, hours, bytes, tokens, characters, port
    }

    /// `models.providers.*.apiKey`, `agents.list[].id`.
    package let pattern: String
    /// What a value may be.
    package let kind: Kind
    /// What holds when the key is absent; nil when there is no default or it is decided elsewhere.
    package let standard: JSONValue?
    /// One sentence for the reference and for forms.
    package let doc: String
    /// Whether the value is a secret.
    package let sensitive: Bool
    /// What a change needs; nil: as the parent.
    package let reload: Reload?
    /// What becomes of it in a copy of the instance, where the row says so; `ConfigSharing` knows the rest.
    package let sharing: Sharing?
    /// What a number counts.
    package let unit: Unit?

    init(
        _ pattern: String, _ kind: Kind, _ standard: JSONValue? = nil, _ doc: String, sensitive: Bool = false,
        reload: Reload? = nil, sharing: Sharing? = nil, unit: Unit? = nil
    ) {
        self.pattern = pattern
        self.kind = kind
        self.standard = standard
        self.doc = doc
        self.sensitive = sensitive
        self.reload = reload
        self.sharing = sharing
        self.unit = unit
    }

    /// The pattern as a path: `*` is a key of that name, `[]` the first element.
    var path: ConfigPath { ConfigPath(steps.map { $0 == "[]" ? .index(0) : .key($0) }) }

    /// The steps of the pattern: keys, `*` and `[]`.
    var steps: [String] {
        pattern.split(separator: ".").flatMap { step -> [String] in
            var step = step
            var brackets: [String] = []
            while step.hasSuffix("[]") {
                brackets.append("[]")
                step = step.dropLast(2)
            }
            return [String(step)] + brackets
        }
    }
}

extension ConfigField.Kind {
    /// The form in words: `an integer from 1 to 65535`.
    package var expectation: String {
        switch self {
        case .bool: "true or false"
        case .integer(let range):
            range.upperBound == Int.max
                ? "an integer of at least \(range.lowerBound)"
                : "an integer from \(range.lowerBound) to \(range.upperBound)"
        case .number(let range): "a number from \(range.lowerBound) to \(range.upperBound)"
        case .string: "text"
        case .text: "text that is not empty"
        case .url(let schemes): "an address that begins with " + schemes.map { "\($0)://" }.joined(separator: " or ")
        case .choice(let words): "one of " + words.map { "\"\($0)\"" }.joined(separator: ", ")
        case .strings: "a list of texts"
        case .secret: "text, \"${NAME}\" or a reference {source, provider, id}"
        case .object, .map: "an object"
        case .list: "a list"
        case .any: "any value"
        case .either(let kinds): kinds.map(\.expectation).joined(separator: ", or ")
        }
    }

    /// Whether `value` has this form. Members and elements are judged by their own rows.
    func accepts(_ value: JSONValue) -> Bool {
        switch self {
        case .bool: return value.boolValue != nil
        case .integer(let range): return value.intValue.map(range.contains) ?? false
        case .number(let range): return value.doubleValue.map(range.contains) ?? false
        case .string: return value.stringValue != nil
        case .text: return value.stringValue?.contains { !$0.isWhitespace } ?? false
        case .url(let schemes):
            guard let text = value.stringValue else { return false }
            return schemes.contains { scheme in
                text.count > scheme.count + 3 && text.lowercased().hasPrefix(scheme + "://")
            }
        case .choice(let words): return value.stringValue.map(words.contains) ?? false
        case .strings: return value.arrayValue?.allSatisfy { $0.stringValue != nil } ?? false
        case .secret: return value.stringValue != nil || SecretReference(value) != nil
        case .object, .map: return value.objectValue != nil
        case .list: return value.arrayValue != nil
        case .any: return true
        case .either(let kinds): return kinds.contains { $0.accepts(value) }
        }
    }
}
