import JarvisCore

/// What scripts say and throw, as text for people and models.
enum ScriptText {
    /// An `exceptionDetails`: the error with its place, without more than the first lines of the stack.
    static func exception(_ details: JSONValue) -> String {
        var text = details["text"]?.stringValue ?? "error"
        if let exception = details["exception"] {
            let described = describe(exception)
            text = text.hasPrefix("Uncaught") && !described.isEmpty ? described : "\(text) \(described)"
        }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: true)
        return cut(lines.prefix(4).joined(separator: "\n"), 1000)
    }

    /// A `RemoteObject` as the console would print it.
    static func describe(_ object: JSONValue) -> String {
        if let value = object["value"] {
            return value.stringValue ?? JSONWriter.string(value)
        }
        if let text = object["unserializableValue"]?.stringValue { return text }
        if object["type"]?.stringValue == "undefined" { return "undefined" }
        if let preview = object["preview"], object["subtype"]?.stringValue != "error" {
            if let text = describe(preview: preview) { return text }
        }
        return object["description"]?.stringValue ?? object["type"]?.stringValue ?? ""
    }

    private static func describe(preview: JSONValue) -> String? {
        guard let properties = preview["properties"]?.arrayValue else { return nil }
        let isArray = preview["subtype"]?.stringValue == "array"
        guard isArray || preview["description"]?.stringValue == "Object" else { return nil }
        var parts = properties.map { property in
            let value = property["value"]?.stringValue ?? ""
            let shown = property["type"]?.stringValue == "string" ? "\"\(value)\"" : value
            return isArray ? shown : "\(property["name"]?.stringValue ?? ""): \(shown)"
        }
        if preview["overflow"]?.boolValue == true { parts.append("…") }
        return isArray ? "[\(parts.joined(separator: ", "))]" : "{\(parts.joined(separator: ", "))}"
    }

    /// The first `limit` characters; says so when there were more.
    static func cut(_ text: String, _ limit: Int) -> String {
        // Bytes are counted first because counting characters of a long text is slow.
        guard text.utf8.count > limit, text.count > limit else { return text }
        return text.prefix(limit) + "…"
    }
}

extension ScriptText {
    /// The arguments of a console call as one line; `%s`, `%d`, `%i`, `%f`, `%o`, `%O` and `%c` in the first one are
    /// filled in.
    static func console(_ arguments: [JSONValue]) -> String {
        guard let format = arguments.first?["value"]?.stringValue, format.contains("%"), arguments.count > 1 else {
            return arguments.map(describe).joined(separator: " ")
        }
        var rest = arguments.dropFirst()
        var text = ""
        var characters = format.makeIterator()
        while let character = characters.next() {
            guard character == "%" else {
                text.append(character)
                continue
            }
            guard let letter = characters.next() else {
                text.append("%")
                break
            }
            switch letter {
            case "%": text.append("%")
            case "c": _ = rest.popFirst()
            case "s", "d", "i", "f", "o", "O":
                if let value = rest.popFirst() { text += describe(value) } else { text += "%\(letter)" }
            default: text += "%\(letter)"
            }
        }
        return ([text] + rest.map(describe)).joined(separator: " ")
    }
}
