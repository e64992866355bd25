import JarvisCore
import JarvisKit
import Synchronization

/// A tool that does what the test says and counts its calls.
package final class FakeTool: Tool {
    /// What the model is told.
    package let definition: ToolDefinition
    /// Whether repeating a call is harmless.
    package let isReplaySafe: Bool
    private let body: @Sendable (JSONValue) async throws -> ToolResult
    private let made = Mutex<[JSONValue]>([])

    /// A tool `name`.
    package init(
        _ name: String, isReplaySafe: Bool = true,
        body: @escaping @Sendable (JSONValue) async throws -> ToolResult = { _ in .text("done") }
    ) {
        definition = ToolDefinition(
            name: name, label: name, description: "Does \(name).",
            parameters: ["type": "object", "properties": [:]], group: "test")
        self.isReplaySafe = isReplaySafe
        self.body = body
    }

    /// The arguments of all calls so far.
    package var calls: [JSONValue] { made.withLock { $0 } }

    /// Counts the call and does what the test says.
    package func call(_ arguments: JSONValue, context: ToolContext) async throws -> ToolResult {
        made.withLock { $0.append(arguments) }
        return try await body(arguments)
    }
}
