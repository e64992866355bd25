import ArgumentParser
import CJarvisShims
import Dispatch
import JarvisCore
import JarvisHost
import JarvisNet
import JarvisProtocol
import JarvisSystem
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// From `argv` to an exit code.
public enum CommandLineEntry {
    /// Runs the program and exits. Codes: 0 done, 1 failed, 2 usage or conflict, 78 do not restart me, 130 Ctrl-C.
    ///
    /// Not asynchronous itself: `--version` is answered before the first thread exists.
    public static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        if isVersion(arguments) {
            Terminal.write(Version.text + "\n")
            return
        }
        ProcessUmask.restrict()
        signal(SIGPIPE, SIG_IGN)
        jarvis_malloc_arena_max(2)
        NIOSingletons.groupLoopCountSuggestion = 1
        NIOSingletons.blockingPoolThreadCountSuggestion = 1
        let environment = HostEnvironment.current()
        // As curl and OpenSSL read them.
        TLSContexts.trust(["SSL_CERT_FILE", "SSL_CERT_DIR"].compactMap { environment[$0] })
        // unstructured: the program itself, from here to its exit
        Task { exit(await run(arguments, environment: environment)) }
        dispatchMain()
    }

    /// Runs one command line and returns its exit code.
    static func run(_ arguments: [String], environment: HostEnvironment) async -> Int32 {
        let wantsJSON = arguments.contains("--json")
        do {
            let globals = try GlobalArguments.scan(arguments, grammar: grammar)
            if isVersion(globals.remaining) {
                Terminal.write(Version.text + "\n")
                return 0
            }
            let words = BrowserArguments.rearranged(globals.remaining)
            try CommandWords.check(words)
            let context = CLIContext(globals: globals, environment: environment)
            return try await CLIContext.$current.withValue(context) {
                var command = try JarvisCommand.parseAsRoot(words)
                if var asynchronous = command as? any AsyncParsableCommand {
                    try await asynchronous.run()
                } else {
                    try command.run()
                }
                return 0
            }
        } catch let exit as ExitCode {
            return exit.rawValue
        } catch {
            return report(error, json: wantsJSON)
        }
    }

    private static func isVersion(_ arguments: [String]) -> Bool {
        arguments.count == 1 && ["-V", "-v", "--version"].contains(arguments[0])
    }

    /// Flags that look global and belong to a command.
    private static let grammar = GlobalArguments.Grammar(
        owned: ["gateway": ["--dev"]], freeText: ["-m", "--message", "--fn", "--prompt", "--fields"])

    /// Shows an error and returns its exit code: messages to stderr; under `--json` one document on stdout.
    private static func report(_ error: any Error, json: Bool) -> Int32 {
        let failure = Failure(error)
        if failure.isHelp {
            Terminal.write(failure.message + "\n")
            return 0
        }
        if json {
            Terminal.write(
                JSONWriter.string([
                    "ok": false,
                    "error": .members([
                        "type": "cli_error", "code": .string(failure.code), "message": .string(failure.message),
                        "hint": failure.hint.map(JSONValue.string),
                    ]),
                ]) + "\n")
        }
        var text = failure.message
        if let hint = failure.hint { text += "\n  → \(hint)" }
        Terminal.error(text)
        return failure.exitCode
    }
}

/// An error as the command line shows it.
struct Failure {
    var code: String
    var message: String
    var hint: String?
    var exitCode: Int32
    var isHelp = false

    private static func advice(_ errorNumber: Int32) -> String {
        switch errorNumber {
        case ENOENT, ENOTDIR: "Check the path: there is nothing of that name."
        case EISDIR, EINVAL: "Name a file: that is none."
        case EACCES, EPERM: "Check who owns it and who may read and write it."
        case EFBIG: "Take a smaller file."
        default: "Check that its disk is writable, has room and reports no faults, then try again."
        }
    }

    init(_ error: any Error) {
        switch error {
        case let error as JarvisError:
            (code, message, hint, exitCode) = (error.code.rawValue, error.message, error.hint, error.exitCode)
        case let error as WireError:
            (code, message, hint, exitCode) = (error.code.rawValue, error.message, nil, 1)
        case let error as SystemCallError:
            (code, message, hint, exitCode) = ("system", error.description, Self.advice(error.errorNumber), 1)
        case is CancellationError:
            (code, message, hint, exitCode) = ("cancelled", "cancelled", nil, 130)
        default:
            let parserCode = JarvisCommand.exitCode(for: error)
            isHelp = parserCode == .success
            code = "usage"
            message = JarvisCommand.fullMessage(for: error)
            exitCode = parserCode == .validationFailure ? 2 : parserCode.rawValue
        }
    }
}
