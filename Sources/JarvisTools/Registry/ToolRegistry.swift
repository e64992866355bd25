import JarvisBrowser
import JarvisKit

/// What the built-in tools need from the gateway.
package struct ToolEnvironment: Sendable {
    /// Reads the facts about one session; nil when there is no such session.
    package var sessionStatus: @Sendable (SessionKey) async throws -> SessionStatus?
    /// The instance's browsers; nil where there are none, and then no browser tool.
    package var browser: BrowserDoor?
    /// Carries out what is asked of the canvas; nil where there is none, and then no canvas tool.
    package var canvas: (@Sendable (CanvasCommand) async throws -> CanvasAnswer)?

    /// The gateway's side of the tools.
    package init(
        browser: BrowserDoor? = nil,
        canvas: (@Sendable (CanvasCommand) async throws -> CanvasAnswer)? = nil,
        sessionStatus: @escaping @Sendable (SessionKey) async throws -> SessionStatus?
    ) {
        self.browser = browser
        self.canvas = canvas
        self.sessionStatus = sessionStatus
    }
}

/// The built-in tools. A new tool is one new file and one line in `makers`.
package struct ToolRegistry: Sendable {
    private static let makers: [@Sendable (ToolEnvironment) -> (any Tool)?] = [
        { SessionStatusTool(environment: $0) },
        { CanvasTool(environment: $0) },
        { BrowserTool(environment: $0) },
    ]

    /// All of them, in the order of the list.
    package let all: [any Tool]

    /// The tools in `environment`; a maker answers nil where the environment lacks what its tool needs.
    package init(environment: ToolEnvironment) { all = Self.makers.compactMap { $0(environment) } }

    /// Those that `policy` allows.
    package func tools(policy: ToolPolicy) -> [any Tool] { all.filter { policy.allows($0.definition.name) } }

    /// Those that every step of `chain` allows.
    package func tools(_ chain: ToolPolicyChain) -> [any Tool] { all.filter { chain.allows($0.definition.name) } }

    /// What people and clients are told about all of them.
    package var catalog: [ToolDefinition] { all.map(\.definition) }
}
