import JarvisClient
import JarvisCore
import JarvisHost
import JarvisProtocol
import JarvisSystem

/// Restart and stop as requests to the running gateway of an instance, over its control socket: nothing is signalled,
/// and only the gateway that proves to be this instance is asked.
enum GatewayLifecycle {
    /// Asks the gateway of `instance` to restart and waits until it is ready again.
    ///
    /// A request that finds another restart under way gets the same ticket. Called from inside the gateway (by a tool of
    /// one of its agents) it does not wait: the run that called must end first.
    ///
    /// - Parameters:
    ///   - reason: for the log and the ticket.
    ///   - timeout: how long to wait for the outcome. After it the ticket is returned as it stands, still `accepted`.
    /// - Throws: `gateway.not_running`, exit 1; `owner.unproven`, exit 1; `client.*`.
    static func restart(
        _ instance: Instance, reason: String = "asked from the command line", context: CLIContext,
        timeout: Duration = .seconds(60)
    ) async throws -> LifecycleOutcome {
        try await request(.restart, instance, reason, context, timeout)
    }

    /// Asks the gateway of `instance` to stop and waits until it has given its state directory back.
    ///
    /// - Throws: as `restart`.
    static func stop(
        _ instance: Instance, reason: String = "asked from the command line", context: CLIContext,
        timeout: Duration = .seconds(30)
    ) async throws -> LifecycleOutcome {
        try await request(.stop, instance, reason, context, timeout)
    }

    /// What became of an earlier request.
    ///
    /// - Throws: `gateway.ticket`, exit 2, when there is no such ticket; the newest 20 are kept.
    static func ticket(_ id: String, of instance: Instance) throws -> LifecycleOutcome {
        guard let ticket = LifecycleJournal(instance.paths).ticket(id) else {
            throw JarvisError(
                "gateway.ticket", "The gateway “\(instance.displayName)” has no ticket “\(id.prefix(40))”.",
                hint: "The newest \(LifecycleJournal.limit) are kept in \(LifecycleJournal(instance.paths).path)",
                exitCode: 2)
        }
        return LifecycleOutcome(ticket: ticket, wasPending: false)
    }

    private static func request(
        _ action: LifecycleTicket.Action, _ instance: Instance, _ reason: String, _ context: CLIContext,
        _ timeout: Duration
    ) async throws -> LifecycleOutcome {
        let (ticket, wasPending) = try await ask(action, instance, reason)
        guard ticket.isPending, !isInside(instance, context) else {
            return LifecycleOutcome(ticket: ticket, wasPending: wasPending)
        }
        let end = try await end(of: ticket, instance, timeout)
        return LifecycleOutcome(ticket: end, wasPending: wasPending)
    }

    /// The ticket of the request. A gateway that starts is asked again for up to 15 s; one that is just between two
    /// boots of the same restart has written its ticket down.
    private static func ask(
        _ action: LifecycleTicket.Action, _ instance: Instance, _ reason: String
    ) async throws -> (LifecycleTicket, wasPending: Bool) {
        let limit = ContinuousClock.now + .seconds(15)
        while true {
            do {
                return try await askOnce(action, instance, reason)
            } catch {
                if let pending = pending(action, instance) { return (pending, true) }
                let wire = error as? WireError
                guard wire?.code == .unavailable, wire?.retryable == true, ContinuousClock.now < limit else {
                    throw error
                }
                try await Task.sleep(for: .milliseconds(wire?.retryAfterMs ?? 250))
            }
        }
    }

    private static func askOnce(
        _ action: LifecycleTicket.Action, _ instance: Instance, _ reason: String
    ) async throws -> (LifecycleTicket, wasPending: Bool) {
        // Nobody is asked who has not proven to be this instance.
        _ = try ControlSocket.ask(instance, timeout: .seconds(10))
        let client = try await EndpointOptions.local(instance).open(timeout: .seconds(10))
        defer { client.close() }
        let answer = try await client.call("gateway.\(action.rawValue)", ["reason": .string(reason)])
        guard let ticket = LifecycleTicket(json: answer) else {
            throw JarvisError(
                "gateway.answer", "The gateway “\(instance.displayName)” answered without a ticket.",
                hint: "It may be older than this program. Look at it with: \(instance.command) status")
        }
        return (ticket, answer["alreadyPending"]?.boolValue ?? false)
    }

    /// Whether the gateway of `instance` is just between two boots of a restart, when nobody holds its state directory.
    static func isRestarting(_ instance: Instance) -> Bool { pending(.restart, instance) != nil }

    /// The same request under way in a process that still lives.
    private static func pending(_ action: LifecycleTicket.Action, _ instance: Instance) -> LifecycleTicket? {
        LifecycleJournal(instance.paths).tickets().last { ticket in
            guard ticket.isPending, ticket.action == action, let start = ticket.before.processStartTime else {
                return false
            }
            return ProcessInfoReader().isAlive(pid: ticket.before.pid, startTime: start)
        }
    }

    /// The ticket once it has ended, or as it is when the time is over.
    private static func end(
        of ticket: LifecycleTicket, _ instance: Instance, _ timeout: Duration
    ) async throws -> LifecycleTicket {
        let journal = LifecycleJournal(instance.paths)
        let limit = ContinuousClock.now + timeout
        var last = ticket
        while ContinuousClock.now < limit {
            try await Task.sleep(for: .milliseconds(50))
            last = journal.ticket(ticket.id) ?? last
            if !last.isPending { break }
        }
        // The last word of a stop is written just before the lock is given back.
        while last.state == .done, last.action == .stop, ContinuousClock.now < limit,
            DirectoryLock.holderPid(of: instance.stateDirectory) == last.before.pid
        {
            try await Task.sleep(for: .milliseconds(20))
        }
        return last
    }

    /// Whether this command was started by a tool of the gateway that it is about.
    private static func isInside(_ instance: Instance, _ context: CLIContext) -> Bool {
        guard let tag = context.environment["JARVIS_INSTANCE"] else { return false }
        let identity = try? InstanceIdentity.load(stateDirectory: instance.stateDirectory)  // unreadable: not inside
        return identity?.instanceId == tag
    }
}
