import JarvisCore
import JarvisKit

/// What every `Tool` must keep. Each function returns the breaches it saw; a test expects none.
package enum ToolContract {
    /// The definition: a name that models accept, a description, a schema of type object whose required members exist.
    package static func definition(_ tool: any Tool) -> [String] {
        let definition = tool.definition
        var breaches: [String] = []
        let allowed = definition.name.utf8.allSatisfy { byte in
            (97...122).contains(byte) || (48...57).contains(byte) || byte == 95
        }
        if !allowed || definition.name.isEmpty || definition.name.utf8.count > 64 {
            breaches.append("the name \"\(definition.name)\" is not made of a-z, 0-9 and _ (1 to 64)")
        }
        if definition.label.isEmpty { breaches.append("no label") }
        if definition.description.count < 10 { breaches.append("no description") }
        if definition.group.isEmpty || definition.group.hasPrefix("group:") { breaches.append("no bare group") }
        if definition.parameters["type"]?.stringValue != "object" { breaches.append("parameters are no object") }
        let properties = definition.parameters["properties"]?.objectValue ?? [:]
        for name in definition.parameters["required"]?.arrayValue?.compactMap(\.stringValue) ?? []
        where properties[name] == nil {
            breaches.append("required member \(name) is not described")
        }
        return breaches
    }

    /// Arguments of the wrong shape give an error result or a usable one, and never a crash or an empty answer.
    package static func survivesBadArguments(_ tool: any Tool, context: ToolContext = context()) async -> [String] {
        let odd: [JSONValue] = [[:], .null, [], "text", 7, ["unknown": ["deep": [1, 2, .null]]]]
        var breaches: [String] = []
        for arguments in odd {
            let call = { try await tool.call(arguments, context: context) }
            guard let result = try? await call() else { continue }  // the agent turns an error into a result
            if result.content.isEmpty { breaches.append("empty result for \(JSONWriter.string(arguments))") }
        }
        return breaches
    }

    /// A plain place to call from.
    package static func context() -> ToolContext {
        ToolContext(runId: "run-1", sessionKey: .main(), agentId: "main", workspace: "/nonexistent")
    }
}
