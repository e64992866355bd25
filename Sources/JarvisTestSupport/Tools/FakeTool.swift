import JarvisCore
import JarvisKit
import Synchronization

/// A tool that does what the test says and counts its calls.
package final class FakeTool: Tool {
    /// What the model is told.
    package let definition: ToolDefinition
    /// How long a call may take. Default 120 s.
    package let timeLimit: Duration
    private let assessment: ToolAssessment
    private let body: @Sendable (JSONValue) async throws -> ToolResult
    private let made = Mutex<[JSONValue]>([])

    /// A tool `name`; every call of it risks the same.
    package init(
        _ name: String, _ assessment: ToolAssessment = ToolAssessment(.read, "Look"),
        timeLimit: Duration = .seconds(120),
        body: @escaping @Sendable (JSONValue) async throws -> ToolResult = { _ in .text("done") }
    ) {
        definition = ToolDefinition(
            name: name, label: name, description: "Does \(name).",
            parameters: ["type": "object", "properties": [:]], group: "test")
        self.assessment = assessment
        self.timeLimit = timeLimit
        self.body = body
    }

    /// The arguments of all calls so far.
    package var calls: [JSONValue] { made.withLock { $0 } }

    /// What the test says.
    package func assess(_ arguments: JSONValue, context: ToolContext) -> ToolAssessment { assessment }

    /// Counts the call and does what the test says.
    package func call(_ arguments: JSONValue, context: ToolContext) async throws -> ToolResult {
        made.withLock { $0.append(arguments) }
        return try await body(arguments)
    }
}
