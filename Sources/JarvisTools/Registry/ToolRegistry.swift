import JarvisKit

/// What the built-in tools need from the gateway.
package struct ToolEnvironment: Sendable {
    /// Reads the facts about one session; nil when there is no such session.
    package var sessionStatus: @Sendable (SessionKey) async throws -> SessionStatus?

    /// The gateway's side of the tools.
    package init(sessionStatus: @escaping @Sendable (SessionKey) async throws -> SessionStatus?) {
        self.sessionStatus = sessionStatus
    }
}

/// The built-in tools. A new tool is one new file and one line in `makers`.
package struct ToolRegistry: Sendable {
    private static let makers: [@Sendable (ToolEnvironment) -> any Tool] = [
        { SessionStatusTool(environment: $0) }
    ]

    /// All of them, in the order of the list.
    package let all: [any Tool]

    /// The tools in `environment`.
    package init(environment: ToolEnvironment) { all = Self.makers.map { $0(environment) } }

    /// Those that `policy` allows.
    package func tools(policy: ToolPolicy) -> [any Tool] { all.filter { policy.allows($0.definition.name) } }

    /// What people and clients are told about all of them.
    package var catalog: [ToolDefinition] { all.map(\.definition) }
}
