import ArgumentParser
import JarvisCore
import JarvisHost

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// `jarvis supervisor stop`.
struct SupervisorStopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: "Stop the supervisor; the gateways go on.",
        discussion: """
            Writes a request that the supervisor obeys; nothing is signalled. The gateways run on without care, and the \
            next supervisor recognises them. To stop a gateway: jarvis gateway stop.

            Example:
              jarvis supervisor stop

            Exit codes: 0 it does not run any more; 1 it did not obey within 15 s.
            """)

    @OptionGroup var json: JSONOption

    func run() async throws {
        let directory = try SupervisorDirectory(environment: CLIContext.current.environment)
        let pid = directory.servedBy
        let wasServed = directory.isServed
        if wasServed {
            try DurableFile.write([], to: directory.stopRequest, sync: false)
            let limit = ContinuousClock.now + .seconds(15)
            while directory.isServed {
                guard ContinuousClock.now < limit else {
                    unlink(directory.stopRequest)
                    throw JarvisError(
                        "supervisor.failed", "The supervisor did not stop within 15 s.",
                        hint: "Look at its log: \(directory.log)")
                }
                try await Task.sleep(for: .milliseconds(20))
            }
        }
        let up = directory.wishes().filter { StateDirectoryLock.isHolderAlive(stateDirectory: $0.stateDirectory) }
        let gateways = up.map(\.profile).joined(separator: ", ")
        let tail = up.isEmpty ? "" : "\n  still up   \(gateways)"
        CommandOutput(
            json: .members([
                "ok": true, "stopped": .bool(wasServed), "pid": pid.map { JSONValue(Int($0)) },
                "directory": .string(directory.path), "stillUp": JSONValue(up.map(\.profile)),
                "undo": "jarvis supervisor run --detach",
            ]),
            text: (wasServed ? "The supervisor has stopped; its gateways go on." : "The supervisor does not run.")
                + "\n  directory  \(directory.path)\(tail)\n  undo       jarvis supervisor run --detach"
        ).show(json: json.isOn)
    }
}
