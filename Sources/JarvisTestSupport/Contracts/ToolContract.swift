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
        if tool.timeLimit <= .zero || tool.timeLimit > .seconds(3600) {
            breaches.append("a time limit of \(tool.timeLimit)")
        }
        return breaches + schema(definition.parameters, at: "parameters", isRoot: true)
    }

    /// Arguments of the wrong shape give an error result or a usable one, and never a crash or an empty answer.
    package static func survivesBadArguments(_ tool: any Tool, context: ToolContext = context()) async -> [String] {
        var breaches: [String] = []
        for arguments in odd {
            let call = { try await tool.call(arguments, context: context) }
            guard let result = try? await call() else { continue }  // the agent turns an error into a result
            if result.content.isEmpty { breaches.append("empty result for \(JSONWriter.string(arguments))") }
        }
        return breaches
    }

    /// The assessment is a function of its arguments, has a title for people that holds nothing of the model's, never
    /// asks about a call that only reads, and offers `allow-always` only for a pattern of this tool.
    package static func assessment(
        _ tool: any Tool, calls: [JSONValue] = [], context: ToolContext = context()
    ) -> [String] {
        var breaches: [String] = []
        for arguments in odd + calls {
            let shown = JSONWriter.string(arguments)
            let first = tool.assess(arguments, context: context)
            if tool.assess(arguments, context: context) != first { breaches.append("two assessments of \(shown)") }
            if first.title.isEmpty || first.title.count > 120 { breaches.append("no short title for \(shown)") }
            if VisibleText.escaped(first.title) != first.title { breaches.append("a title that deceives for \(shown)") }
            if first.needsApproval, first.risk == .read { breaches.append("asks about a read: \(shown)") }
            if let pattern = first.allowPattern, !pattern.hasPrefix("\(tool.definition.name):") {
                breaches.append("allow-always would allow \(pattern) for \(shown)")
            }
        }
        let marked: JSONValue = ["action": .string(mark), "command": .string(mark), "url": .string(mark)]
        if tool.assess(marked, context: context).title.contains(mark) { breaches.append("the model writes the title") }
        return breaches
    }

    /// Cancelling the task ends a call that would otherwise stay. The test's time limit catches one that does not.
    package static func stopsWhenCancelled(
        _ tool: any Tool, arguments: JSONValue, context: ToolContext = context()
    ) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                _ = try? await tool.call(arguments, context: context)  // how it ends does not matter, that it ends does
            }
            await Task.yield()
            group.cancelAll()
        }
    }

    /// All that holds for every tool.
    package static func breaches(_ tool: any Tool, calls: [JSONValue] = []) async -> [String] {
        definition(tool) + assessment(tool, calls: calls) + (await survivesBadArguments(tool))
    }

    /// A plain place to call from.
    package static func context() -> ToolContext {
        ToolContext(runId: "run-1", sessionKey: .main(), agentId: "main", workspace: "/nonexistent", callId: "call-1")
    }

    private static let mark = "mark-of-the-model"

    private static let odd: [JSONValue] = [
        [:], .null, [], "text", 7, ["unknown": ["deep": [1, 2, .null]]], ["action": 7], ["action": "no such action"],
        ["action": .null, "request": "text"], ["action": "act", "request": ["kind": ["x"]]],
    ]

    /// Servers refuse a schema with a required member that is not described, or a property without a type.
    private static func schema(_ schema: JSONValue, at path: String, isRoot: Bool = false) -> [String] {
        var breaches: [String] = []
        if isRoot, schema["type"]?.stringValue != "object" { breaches.append("\(path) is no object") }
        let properties = schema["properties"]?.objectValue ?? [:]
        for name in schema["required"]?.arrayValue?.compactMap(\.stringValue) ?? [] where properties[name] == nil {
            breaches.append("required member \(path).\(name) is not described")
        }
        for (name, property) in properties {
            if property["type"] == nil, property["enum"] == nil, property["anyOf"] == nil {
                breaches.append("\(path).\(name) has no type")
            }
            breaches += self.schema(property, at: "\(path).\(name)")
        }
        if let items = schema["items"] { breaches += self.schema(items, at: "\(path)[]") }
        return breaches
    }
}
