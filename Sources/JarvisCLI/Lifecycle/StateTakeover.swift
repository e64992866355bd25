import JarvisCore
import JarvisHost
import JarvisSystem

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// `gateway run --force`: take over this state directory. Only the gateway that proves to hold it is asked to stop;
/// what holds a port is none of its business.
struct StateTakeover {
    let instance: Instance
    let context: CLIContext
    /// How long a gateway may take to stop before it is signalled, and again before it is killed.
    var patience: Duration = .seconds(20)

    /// Returns when nobody holds the state directory any more.
    ///
    /// - Throws: `gateway.force`, exit 78: the holder has not proven to be this instance, is a healthy gateway of a
    ///   service manager and nobody is at the terminal, or does not go away. Then nothing was done to it.
    func perform() async throws {
        guard StateDirectoryLock.isHolderAlive(stateDirectory: instance.stateDirectory) else { return }
        let gateway: AttestedGateway
        do {
            gateway = try ControlSocket.ask(instance, timeout: .seconds(5))
        } catch {
            if error.code == "gateway.not_running" { return }
            let holder = DirectoryLock.holderPid(of: instance.stateDirectory)
            throw refusal(
                "--force: the state directory \(instance.stateDirectory) is held"
                    + "\(holder.map { " by process \($0)" } ?? ""), which has not proven to be this gateway:"
                    + " \(error.message) Nothing was signalled.",
                hint: holder.map { "Look at it (ps -p \($0)) and end it yourself if it is yours to end." })
        }
        try refuseService(gateway)
        Terminal.error("--force: asking the gateway \"\(instance.displayName)\" (pid \(gateway.proof.pid)) to stop")
        do {
            _ = try await GatewayLifecycle.stop(
                instance, reason: "another start with --force", context: context, timeout: patience)
        } catch {
            Terminal.error("--force: it does not answer the request: \(Failure(error).message)")
        }
        if try await isFree(within: .seconds(2)) { return }
        for (number, name) in [(SIGTERM, "SIGTERM"), (SIGKILL, "SIGKILL")] {
            guard signal(number, gateway.proof) else { break }
            Terminal.error("--force: sent \(name) to process \(gateway.proof.pid)")
            if try await isFree(within: number == SIGTERM ? patience : .seconds(5)) { return }
        }
        throw refusal(
            "--force: the state directory \(instance.stateDirectory) is still held"
                + "\(DirectoryLock.holderPid(of: instance.stateDirectory).map { " by process \($0)" } ?? "").",
            hint: "Look at it with: \(instance.command) status")
    }

    /// A script must not take a healthy gateway away from its service manager, which would want it back.
    private func refuseService(_ gateway: AttestedGateway) throws {
        guard gateway.supervisedBy != .none, gateway.phase == "ready", !context.terminal.canAsk else { return }
        throw refusal(
            "--force: the gateway \"\(instance.displayName)\" (pid \(gateway.proof.pid)) is healthy and kept by"
                + " \(gateway.supervisedBy.rawValue); without a terminal it is not stopped.",
            hint: "Stop it there: \(instance.command) gateway stop")
    }

    /// Signals the proven process if, at this moment, it still is the one that was proven and holds the lock.
    private func signal(_ number: Int32, _ proof: OwnerProof) -> Bool {
        guard proof.isStillAlive, let start = proof.processStartTime,
            let handle = ProcessHandle(pid: proof.pid, startTime: start),
            DirectoryLock.holderPid(of: instance.stateDirectory) ?? proof.pid == proof.pid
        else { return false }
        return handle.signal(number)
    }

    private func isFree(within limit: Duration) async throws -> Bool {
        let end = ContinuousClock.now + limit
        while StateDirectoryLock.isHolderAlive(stateDirectory: instance.stateDirectory) {
            guard ContinuousClock.now < end else { return false }
            try await Task.sleep(for: .milliseconds(20))
        }
        return true
    }

    private func refusal(_ message: String, hint: String?) -> JarvisError {
        JarvisError(
            "gateway.force", message, hint: hint, metadata: ["stateDirectory": instance.stateDirectory], exitCode: 78)
    }
}
