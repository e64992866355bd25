import ArgumentParser
import JarvisCore

/// `jarvis completion`.
struct CompletionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completion",
        abstract: "Print a completion script for a shell.",
        discussion: """
            Examples:
              jarvis completion bash > ~/.local/share/bash-completion/completions/jarvis
              jarvis completion zsh > "${fpath[1]}/_jarvis"
              jarvis completion fish > ~/.config/fish/completions/jarvis.fish

            Exit codes: 0 printed; 2 unknown shell.
            """)

    @Argument(help: "bash, zsh or fish.")
    var name: String?

    @Option(name: .customLong("shell"), help: "The same as the argument.")
    var option: String?

    mutating func validate() throws {
        if let name, let option, name != option { throw ValidationError("Two shells: \(name) and \(option).") }
    }

    func run() throws {
        let shell: CompletionShell =
            switch option ?? name {
            case "bash": .bash
            case "zsh": .zsh
            case "fish": .fish
            case nil:
                throw JarvisError(
                    "usage.shell", "Which shell? Expected bash, zsh or fish.", hint: "jarvis completion bash",
                    exitCode: 2)
            case let other?:
                throw JarvisError(
                    "usage.shell", "“\(other.prefix(40))” is no shell with completion: expected bash, zsh or fish.",
                    exitCode: 2)
            }
        Terminal.write(JarvisCommand.completionScript(for: shell) + "\n")
    }
}
