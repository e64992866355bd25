import ArgumentParser
import JarvisConfig
import JarvisCore

/// `jarvis debug reference`: the generated documents.
struct DebugReferenceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reference",
        abstract: "Print a generated reference as Markdown.",
        discussion: """
            Example:
              jarvis debug reference cli > docs/reference/cli.md
            """)

    enum Subject: String, ExpressibleByArgument, CaseIterable {
        case cli, config, protocolMethods = "protocol", precedence, browser
    }

    @Argument(help: "cli, config, protocol, precedence or browser.")
    var subject: Subject

    func run() throws {
        switch subject {
        case .cli: Terminal.write(try CommandReference.markdown())
        case .config: Terminal.write(ConfigReference.markdown())
        case .protocolMethods: Terminal.write(ProtocolReference.markdown())
        case .precedence: Terminal.write(PrecedenceReference.text)
        case .browser: Terminal.write(BrowserReference.markdown())
        }
    }
}
