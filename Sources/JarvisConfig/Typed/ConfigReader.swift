import JarvisCore

/// Reads typed values of one section, defaults from the table. Values that the validator refused are absent here.
struct ConfigReader {
    private let value: JSONValue
    private let pattern: String

    init(_ root: JSONValue, _ pattern: String = "") {
        value = root
        self.pattern = pattern
    }

    /// The section `key`, dots allowed.
    func section(_ key: String) -> ConfigReader { ConfigReader(raw(key) ?? .null, full(key)) }

    /// The elements of the list `key`.
    func list(_ key: String) -> [ConfigReader] {
        (raw(key)?.arrayValue ?? []).filter { $0.objectValue != nil }.map { ConfigReader($0, full(key) + "[]") }
    }

    /// The members of the map `key`.
    func map(_ key: String) -> [(name: String, reader: ConfigReader)] {
        (raw(key)?.objectValue ?? [:]).filter { $0.value.objectValue != nil }.map {
            ($0.key, ConfigReader($0.value, full(key) + ".*"))
        }
    }

    func json(_ key: String) -> JSONValue? { raw(key) ?? ConfigFields.standard(full(key)) }

    func string(_ key: String) -> String? { json(key)?.stringValue }

    func string(_ key: String, else fallback: String) -> String { string(key) ?? fallback }

    func int(_ key: String) -> Int? { json(key)?.intValue }

    func int(_ key: String, else fallback: Int) -> Int { int(key) ?? fallback }

    func double(_ key: String) -> Double { json(key)?.doubleValue ?? 0 }

    func flag(_ key: String) -> Bool { json(key)?.boolValue ?? false }

    func optionalFlag(_ key: String) -> Bool? { json(key)?.boolValue }

    func strings(_ key: String) -> [String] { optionalStrings(key) ?? [] }

    func optionalStrings(_ key: String) -> [String]? { json(key)?.arrayValue?.compactMap(\.stringValue) }

    func secret(_ key: String) -> Secret? {
        guard let text = raw(key)?.stringValue, !text.isEmpty else { return nil }
        return Secret(text)
    }

    func secrets(_ key: String) -> [(name: String, value: Secret)] {
        (raw(key)?.objectValue ?? [:]).compactMap { name, value in
            value.stringValue.map { (name, Secret($0)) }
        }
    }

    func choice<Choice: RawRepresentable<String>>(_ key: String) -> Choice? { string(key).flatMap(Choice.init) }

    func choice<Choice: RawRepresentable<String>>(_ key: String, else fallback: Choice) -> Choice {
        choice(key) ?? fallback
    }

    private func full(_ key: String) -> String { pattern.isEmpty ? key : pattern + "." + key }

    private func raw(_ key: String) -> JSONValue? {
        var current: JSONValue? = value
        for step in key.split(separator: ".") { current = current?[String(step)] }
        return current == .null ? nil : current
    }
}
