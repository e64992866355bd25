import ArgumentParser
import JarvisCore

/// `jarvis browser extension`: a browser extension is not part of JARVIS; both words say what does its work.
struct BrowserExtensionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "extension", abstract: "There is no browser extension; this says how to use your own browser.",
        discussion: "Example:\n  jarvis browser extension install",
        subcommands: [BrowserExtensionInstallCommand.self, BrowserExtensionPathCommand.self])

    /// The answer to both.
    static var refusal: JarvisError {
        JarvisError(
            "browser.no_extension",
            "JARVIS has no browser extension. To let it use a browser that you run yourself, start that browser with"
                + " --remote-debugging-port=9222 and name it in a profile with the driver existing-session.",
            hint: "jarvis config set browser.profiles.mine"
                + " '{\"driver\": \"existing-session\", \"cdpUrl\": \"http://127.0.0.1:9222\"}'", exitCode: 1)
    }
}

/// `jarvis browser extension install`.
struct BrowserExtensionInstallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install", abstract: "Say what to do instead; always ends with 1.",
        discussion: "Example:\n  jarvis browser extension install\n\nExit codes: 1 always.")

    func run() throws { throw BrowserExtensionCommand.refusal }
}

/// `jarvis browser extension path`.
struct BrowserExtensionPathCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "path", abstract: "Say what to do instead; always ends with 1.",
        discussion: "Example:\n  jarvis browser extension path\n\nExit codes: 1 always.")

    func run() throws { throw BrowserExtensionCommand.refusal }
}
