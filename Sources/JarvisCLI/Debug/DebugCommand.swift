import ArgumentParser

/// `jarvis debug`: doors for tests, measurements and generated documents.
struct DebugCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "debug",
        abstract: "Doors for tests, measurements and generated documents.",
        discussion: """
            Example:
              jarvis debug parse json5 file.json5
            """,
        shouldDisplay: false,
        subcommands: leaks + [
            DebugParseCommand.self, DebugEchoCommand.self, DebugPrecedenceCommand.self, DebugReferenceCommand.self,
            DebugLeaseCommand.self, DebugChildrenCommand.self, DebugBrowserCommand.self,
            BenchPeerCommand.self,
            BenchClientCommand.self, BenchStoreCommand.self,
        ])

    /// The plants of the isolation test; not in a release.
    private static var leaks: [any ParsableCommand.Type] {
        #if DEBUG
            [DebugLeakCommand.self]
        #else
            []
        #endif
    }
}
