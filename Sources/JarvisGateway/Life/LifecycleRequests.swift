import JarvisConfig
import JarvisCore
import JarvisHost
import JarvisProtocol
import JarvisSystem

/// Restart and stop as requests with a ticket: written down before anything happens, ended by the boot that follows.
extension Gateway {
    /// What stands in the way of a request.
    struct LifecycleRequest: Sendable {
        var action: LifecycleTicket.Action
        var reason: String
        /// `rpc`, `signal`, `config` or `operator`.
        var by: String
        /// The least time until it begins, so that answers already written reach the clients.
        var delayMs = 100
        /// Whether active runs may end first, for at most 30 s, before the drain begins.
        var waitsForRuns = false
        /// The configuration that caused it; for the event.
        var configHash: String?
    }

    /// This boot, for tickets.
    var boot: LifecycleTicket.Boot {
        LifecycleTicket.Boot(
            pid: ProcessFacts.current().pid, processStartTime: ProcessInfoReader().current()?.startTime,
            bootId: bootId, version: version, readyAt: readyAt)
    }

    /// Takes a request on. One that finds the same request under way gets its ticket; a stop takes the place of a
    /// restart that has not begun. A restart into a configuration that would not start is refused.
    ///
    /// - Returns: the ticket, and whether it was there already.
    /// - Throws: `WireError` `UNAVAILABLE` while the gateway starts; `SystemCallError` when the ticket can't be written.
    func take(_ request: LifecycleRequest) async throws -> (ticket: LifecycleTicket, wasPending: Bool) {
        if let pending = lifecycleTicket {
            if pending.action == request.action {
                if request.configHash != nil { announce(pending, request) }
                return (pending, true)
            }
            if pending.action == .stop || phase == .draining {
                let ticket = newTicket(request).ended(
                    .refused, at: clock.now(),
                    problem: .init(
                        code: "gateway.busy",
                        message: "The gateway is already about to \(pending.action.rawValue) (ticket \(pending.id))."))
                return (ticket, false)
            }
        }
        guard phase == .ready, endRequest != nil else {
            throw WireError.unavailable(
                phase == .draining ? "the gateway is stopping" : "the gateway is still starting", retryAfterMs: 500)
        }
        let superseded = lifecycleTicket
        let ticket = newTicket(request)
        // From here on the same request gets this ticket, also while the disk is waited for.
        lifecycleTicket = ticket
        let journal = LifecycleJournal(instance.paths)
        do {
            if request.action == .restart { try await rehearseRestart() }
        } catch {
            lifecycleTicket = nil
            return (try await refuse(ticket, request, error), false)
        }
        let now = clock.now()
        do {
            try await Blocking.run {
                if let superseded { try journal.put(superseded.ended(.superseded, at: now)) }
                try journal.put(ticket)
            }
        } catch {
            lifecycleTicket = nil
            throw error
        }
        announce(ticket, request)
        pendingConfigHash = request.configHash
        if request.waitsForRuns {
            pendingRestart = ticket.id
            restartDelayMs = request.delayMs
            loop.scheduleTask(in: .milliseconds(30_000 + Int64(request.delayMs))) { [self] in
                assumeIsolated { if $0.pendingRestart == ticket.id { $0.restartNow() } }
            }
            restartIfIdle()
        } else {
            pendingRestart = nil
            loop.scheduleTask(in: .milliseconds(Int64(request.delayMs))) { [self] in
                assumeIsolated { $0.begin(ticket) }
            }
        }
        return (ticket, false)
    }

    /// Called when a run ended.
    func restartIfIdle() {
        guard let id = pendingRestart, runs.isEmpty else { return }
        // A moment later, so that answers and events already written reach the clients.
        loop.scheduleTask(in: .milliseconds(Int64(restartDelayMs))) { [self] in
            assumeIsolated { if $0.runs.isEmpty, $0.pendingRestart == id { $0.restartNow() } }
        }
    }

    /// The restart that waited for the runs: once more only into a configuration that starts.
    private func restartNow() {
        guard let ticket = lifecycleTicket, ticket.id == pendingRestart, phase == .ready else { return }
        pendingRestart = nil
        let request = LifecycleRequest(
            action: .restart, reason: ticket.reason, by: ticket.requestedBy, configHash: pendingConfigHash)
        // unstructured: the rehearsal asks disk and ports off the loop and ends by itself
        Task {
            do {
                try await rehearseRestart()
                begin(ticket)
            } catch {
                if lifecycleTicket?.id == ticket.id { lifecycleTicket = nil }
                _ = try? await refuse(ticket, request, error)  // logged and broadcast whether it is kept or not
            }
        }
    }

    private func begin(_ ticket: LifecycleTicket) {
        guard lifecycleTicket?.id == ticket.id, phase == .ready else { return }
        endRequest?(ticket.action == .restart ? .restart(ticket.reason) : .stop)
    }

    private func newTicket(_ request: LifecycleRequest) -> LifecycleTicket {
        LifecycleTicket(
            action: request.action, reason: request.reason, requestedBy: request.by, requestedAt: clock.now(),
            before: boot)
    }

    /// Whether a start with the configuration on disk, or with the last good one where that can't be read, would come
    /// up.
    ///
    /// - Throws: what the start would throw.
    private func rehearseRestart() async throws {
        let servedPort = port
        try await Blocking.run { [rehearse, configStore, config] in
            let onDisk = configStore.load()
            try rehearse(onDisk.isUsable ? onDisk : configStore.loadLastGood() ?? config, servedPort)
        }
    }

    /// Says everywhere that a restart does not happen, and why.
    private func refuse(
        _ ticket: LifecycleTicket, _ request: LifecycleRequest, _ error: any Error
    ) async throws -> LifecycleTicket {
        let failure = error as? JarvisError ?? JarvisError("gateway.restart", "\(error)")
        let refused = ticket.ended(.refused, at: clock.now(), problem: LifecycleTicket.Problem(failure))
        logger.error(
            "no restart: with this configuration the gateway would not start again",
            metadata: ["problem": "\(failure.message)", "next": "\(failure.hint ?? "")", "ticket": "\(ticket.id)"])
        announce(refused, request)
        let journal = LifecycleJournal(instance.paths)
        try await Blocking.run { try journal.put(refused) }
        return refused
    }

    private func announce(_ ticket: LifecycleTicket, _ request: LifecycleRequest) {
        var payload = ticket.json
        payload["configHash"] = request.configHash.map(JSONValue.string)
        broadcast("gateway.lifecycle", payload)
    }
}
