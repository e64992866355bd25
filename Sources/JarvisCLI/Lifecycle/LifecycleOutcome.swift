import ArgumentParser
import JarvisCore
import JarvisHost

/// What became of a request to a running gateway.
struct LifecycleOutcome: Sendable {
    /// The ticket as it stood last.
    var ticket: LifecycleTicket
    /// Whether the request found another one under way and shares its ticket.
    var wasPending: Bool
    /// Whether the end of the ticket was waited for and seen; false when the caller is inside the gateway, or the time
    /// was over.
    var isFinal: Bool { !ticket.isPending }
    /// Whether the gateway took the request on.
    var isAccepted: Bool { ticket.state != .refused }

    /// Prints it.
    ///
    /// - Throws: exit 1 when it was refused or failed.
    func show(_ option: JSONOption) throws {
        var table = TextTable()
        table.add("  asked", "\(WallClock.iso8601(ticket.requestedAt)) by \(ticket.requestedBy): \(ticket.reason)")
        table.add("  before", "pid \(ticket.before.pid), version \(ticket.before.version)")
        if let after = ticket.after { table.add("  after", "pid \(after.pid), version \(after.version)") }
        if let end = ticket.finishedAt { table.add("  ended", WallClock.iso8601(end)) }
        if let problem = ticket.problem { table.add("  problem", problem.message) }
        if let hint = ticket.problem?.hint { table.add("  next", hint) }
        let text = "\(ticket.action.rawValue) \(ticket.id): \(ticket.state.rawValue)\n\(table.text)"
        CommandOutput(json: json, text: text).show(json: option.isOn)
        if ticket.state == .refused || ticket.state == .failed { throw ExitCode(1) }
    }

    /// For `--json`.
    var json: JSONValue {
        var json = ticket.json
        json["ok"] = .bool(ticket.state != .refused && ticket.state != .failed)
        json["accepted"] = .bool(isAccepted)
        json["alreadyPending"] = .bool(wasPending)
        return json
    }
}
