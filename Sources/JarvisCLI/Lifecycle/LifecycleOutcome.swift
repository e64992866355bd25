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

    /// For `--json`.
    var json: JSONValue {
        var json = ticket.json
        json["ok"] = .bool(ticket.state != .refused && ticket.state != .failed)
        json["accepted"] = .bool(isAccepted)
        json["alreadyPending"] = .bool(wasPending)
        return json
    }
}
