import ArgumentParser
import JarvisCore
import Testing

@testable import JarvisCLI

@Suite("Words of the command tree")
struct CommandWordsTests {
    @Test(
        "known words pass",
        arguments: [
            [], ["status"], ["config", "get", "x"], ["gateway", "--port", "1"], ["--help"], ["help", "status"],
        ])
    func known(arguments: [String]) throws {
        try CommandWords.check(arguments)
    }

    @Test(
        "unknown words name what was meant",
        arguments: [
            (["staus"], "jarvis status"), (["config", "gte"], "jarvis config get"), (["sess"], "jarvis sessions"),
            (["gateway", "rnu"], "jarvis gateway run"),
        ])
    func unknown(arguments: [String], meant: String) {
        let error = #expect(throws: JarvisError.self) { try CommandWords.check(arguments) }
        #expect(error?.exitCode == 2)
        #expect(error?.hint?.contains(meant) == true)
    }

    @Test("every visible command has an abstract, a help with an example, and exit codes")
    func help() {
        func visit(_ command: any ParsableCommand.Type) {
            let configuration = command.configuration
            guard configuration.shouldDisplay else { return }
            #expect(!configuration.abstract.isEmpty, "\(command)")
            #expect(configuration.discussion.contains("xample"), "\(command)")
            #expect(
                configuration.discussion.contains("Exit codes") || !configuration.subcommands.isEmpty
                    || configuration.abstract.hasPrefix("The same as"), "\(command)")
            for child in configuration.subcommands { visit(child) }
        }
        visit(JarvisCommand.self)
    }
}
