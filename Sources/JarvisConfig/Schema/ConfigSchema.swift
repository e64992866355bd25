import JarvisCore

/// The table as JSON schema and as hints for forms: the result of `config.schema`.
package enum ConfigSchema {
    /// The version of the schema's shape.
    package static let version = "1"

    /// `{schema, uiHints, version}`; the caller adds `generatedAt`.
    package static func document() -> JSONValue {
        ["schema": jsonSchema(), "uiHints": uiHints(), "version": .string(version)]
    }

    /// A JSON schema (draft 2020-12) of the file. Unknown keys are allowed, as they are only warned about.
    package static func jsonSchema() -> JSONValue {
        var schema = schema(of: ConfigFields.tree).objectValue ?? [:]
        schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
        schema["title"] = "JARVIS configuration"
        return .object(schema)
    }

    /// By path: `{label, help, sensitive?, group?, order?, advanced?, unit?, reload}`.
    package static func uiHints() -> JSONValue {
        var hints = JSONObject()
        for (order, field) in ConfigFields.all.enumerated() {
            let group = String(field.pattern.prefix { $0 != "." && $0 != "[" })
            hints[field.pattern] = .members([
                "label": .string(label(field)), "help": .string(field.doc),
                "sensitive": field.sensitive ? true : nil, "group": .string(group), "order": JSONValue(order),
                "advanced": isAdvanced(field) ? true : nil, "unit": field.unit.map { .string($0.rawValue) },
                "reload": .string(ConfigReference.reload(field).rawValue),
            ])
        }
        return .object(hints)
    }

    /// `gateway.controlUi.basePath` → `Base path`.
    private static func label(_ field: ConfigField) -> String {
        let name = field.steps.last { $0 != "*" && $0 != "[]" } ?? field.pattern
        var words = ""
        for character in name {
            if character.isUppercase, !words.isEmpty, words.last?.isUppercase != true { words.append(" ") }
            words.append(character)
        }
        return words.prefix(1).uppercased() + words.dropFirst().lowercased()
    }

    private static func isAdvanced(_ field: ConfigField) -> Bool {
        if case .any = field.kind { return true }
        return field.pattern.contains("dangerously")
    }

    private static func schema(of node: SchemaNode) -> JSONValue {
        var result = node.field.map { form($0.kind) } ?? ["type": "object"]
        if let field = node.field {
            result["description"] = .string(field.doc)
            result["default"] = field.standard
        }
        let named = node.children.filter { $0.key != "*" && $0.key != "[]" }
        if !named.isEmpty {
            result["properties"] = .object(
                JSONObject(named.map { ($0.key, schema(of: $0.node)) }, uniquingKeysWith: { first, _ in first }))
        }
        if let wild = node.child("*") { result["additionalProperties"] = schema(of: wild) }
        if let element = node.child("[]") { result["items"] = schema(of: element) }
        return .object(result)
    }

    private static func form(_ kind: ConfigField.Kind) -> JSONObject {
        switch kind {
        case .bool: return ["type": "boolean"]
        case .integer(let range):
            var form: JSONObject = ["type": "integer", "minimum": JSONValue(range.lowerBound)]
            if range.upperBound != Int.max { form["maximum"] = JSONValue(range.upperBound) }
            return form
        case .number(let range):
            return ["type": "number", "minimum": .double(range.lowerBound), "maximum": .double(range.upperBound)]
        case .string: return ["type": "string"]
        case .text: return ["type": "string", "pattern": "\\S"]
        case .url(let schemes):
            return ["type": "string", "pattern": .string("^(" + schemes.joined(separator: "|") + ")://.")]
        case .choice(let words): return ["type": "string", "enum": JSONValue(words)]
        case .strings: return ["type": "array", "items": ["type": "string"]]
        case .secret:
            return [
                "anyOf": [
                    ["type": "string"],
                    [
                        "type": "object", "required": ["source", "id"],
                        "properties": [
                            "source": ["type": "string", "enum": ["env", "file", "exec"]],
                            "provider": ["type": "string"], "id": ["type": "string"],
                        ],
                    ],
                ]
            ]
        case .object, .map: return ["type": "object"]
        case .list: return ["type": "array"]
        case .any: return [:]
        case .either(let kinds): return ["anyOf": .array(kinds.map { .object(form($0)) })]
        }
    }
}

/// The table as a page to read.
package enum ConfigReference {
    /// The generated reference in Markdown: one table a section.
    package static func markdown() -> String {
        var text = """
            # Configuration reference

            Generated from the table that validation uses. The file is JSON5. Unknown keys are warned about and \
            ignored; a value of the wrong form is an error, and its default is used. `*` stands for any key, `[]` for \
            any element.

            "Change" says what a change needs: nothing (read when used), hot (one part starts anew) or restart. "Copy" says \
            what a clone of the instance does with the value: share (copied), exclusive (left out) or regenerate (made \
            anew). Where no row describes a key, names of secrets, accounts and ports are exclusive, others shared.

            """
        var section = ""
        for field in ConfigFields.all {
            let name = String(field.pattern.prefix { $0 != "." && $0 != "[" })
            if name != section {
                section = name
                text +=
                    "\n## \(section)\n\n| Key | Form | Default | Change | Copy | Meaning |\n|---|---|---|---|---|---|\n"
            }
            text += row(field)
        }
        return text
    }

    private static func row(_ field: ConfigField) -> String {
        let standard = field.standard.map { "`\(JSONWriter.string($0))`" } ?? ""
        var doc = field.doc
        if let unit = field.unit, unit != .port { doc += " In \(unit.rawValue)." }
        if field.sensitive { doc += " Secret." }
        let cells = [
            "`\(field.pattern)`", field.kind.expectation, standard, word(reload(field)), copy(field), doc,
        ]
        return "| "
            + cells.map { $0.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|") }
            .joined(separator: " | ") + " |\n"
    }

    private static func copy(_ field: ConfigField) -> String { ConfigSharing.of(field.path).rawValue }

    private static func word(_ reload: ConfigField.Reload) -> String { reload == .none ? "nothing" : reload.rawValue }

    /// What a change of the row's key needs, inherited from the rows above it.
    static func reload(_ field: ConfigField) -> ConfigField.Reload {
        var node = ConfigFields.tree
        var reload: ConfigField.Reload?
        for step in field.steps {
            guard let next = node.child(step) else { break }
            node = next
            reload = node.field?.reload ?? reload
        }
        return reload ?? .restart
    }
}
