import ArgumentParser
@preconcurrency import Dispatch
import JarvisCore
import JarvisHost
import JarvisSystem
import Logging

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// `jarvis supervisor run`.
struct SupervisorRunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run the supervisor.",
        discussion: """
            Runs here until it is told to stop, or with --detach in the background, where it survives logout. Gateways \
            that run already are recognised, never started twice; those that run when it ends go on.

            A gateway that fails is started again after a growing pause; after 5 restarts in 5 minutes, or the same \
            failure 5 times in a row, it is parked until “jarvis gateway start”.

            Examples:
              jarvis supervisor run --detach
              jarvis supervisor run

            Exit codes: 0 it was told to stop, there is nothing to keep, or it runs in the background; 1 it could not \
            start; 78 another one runs.
            """)

    @Flag(help: "Go to the background. One that runs already stays, and that is fine.")
    var detach = false

    @Option(help: ArgumentHelp("Divide all pauses by this; for tests.", visibility: .hidden))
    var hurry: Int = 1

    @OptionGroup var json: JSONOption

    mutating func validate() throws {
        guard (1...100_000).contains(hurry) else { throw ValidationError("--hurry must be 1 to 100000.") }
    }

    func run() async throws {
        let context = CLIContext.current
        let directory = try SupervisorDirectory(environment: context.environment)
        if detach { return try background(directory, context) }
        let bell = try WakeBell()
        let file = LogFile(path: directory.log, limits: LogFile.Limits(fileBytes: 1 << 20, keptFiles: 2))
        let console = LogConsole(
            style: context.terminal.errorHasColor ? .pretty : .plain,
            threshold: context.terminal.errorIsInteractive ? .info : .silent)
        let redactor = Redactor()
        let logger = Logger(label: "supervisor") {
            SinkLogHandler(label: $0, sinks: [file, console], redactor: redactor)
        }
        let policy = SupervisorPolicy().faster(by: Int64(hurry))
        let signals = Self.stopSignals(bell)
        // A queue of its own: it sleeps in a system call.
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            DispatchQueue(label: "jarvis.supervisor").async {
                continuation.resume(
                    with: Result {
                        try Supervisor(
                            directory: directory, version: Version.text, policy: policy, logger: logger, bell: bell
                        ).run()
                    })
            }
        }
        for signal in signals { signal.cancel() }
        file.flush()
    }

    private func background(_ directory: SupervisorDirectory, _ context: CLIContext) throws {
        let entry = try EntryPath.current(name: CommandLine.arguments[0], environment: context.environment)
        let isNew = try SupervisorLaunch.ensure(
            directory, executable: entry.path, environment: context.environment,
            arguments: hurry > 1 ? ["--hurry", String(hurry)] : [])
        let pid = directory.servedBy
        let text =
            pid == nil
            ? "There is nothing to keep. Put a gateway into its care: jarvis gateway install --supervisor builtin"
            : "The supervisor runs (pid \(pid.map(String.init) ?? ""))\(isNew ? "" : ", as before")."
                + "\n  directory  \(directory.path)\n  stop it    jarvis supervisor stop"
        CommandOutput(
            json: .members([
                "ok": true, "running": .bool(pid != nil), "started": .bool(isNew && pid != nil),
                "pid": pid.map { JSONValue(Int($0)) }, "directory": .string(directory.path),
                "undo": "jarvis supervisor stop",
            ]), text: text
        ).show(json: json.isOn)
    }

    /// SIGTERM and Ctrl-C end the supervisor, never a gateway; a closed terminal ends one that runs in it.
    private static func stopSignals(_ bell: WakeBell) -> [any DispatchSourceSignal] {
        [SIGTERM, SIGINT, SIGHUP].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { bell.stop() }
            source.resume()
            return source
        }
    }
}
