/// An event of the protocol and who may see it.
public struct EventDescriptor: Sendable, Hashable {
    /// The name on the wire.
    public var name: String
    /// The scope that a receiver needs; nil for every connected client.
    public var scope: Scope?
    /// One sentence for the reference.
    public var summary: String
    /// Whether a receiver that reads too slowly may miss it (it will see the gap in `seq`).
    public var isDroppable: Bool

    /// Every event that the gateway sends.
    public static let all: [EventDescriptor] = [
        EventDescriptor(
            name: "connect.challenge", scope: nil, summary: "{nonce, ts}: first frame of a connection.",
            isDroppable: false),
        EventDescriptor(
            name: "agent", scope: .read, summary: "{runId, seq, stream, ts, data, sessionKey?}: progress of a run.",
            isDroppable: true),
        EventDescriptor(
            name: "chat", scope: .read,
            summary: "{runId, sessionKey, seq, state: delta|final|aborted|error, message?, errorMessage?, usage?}.",
            isDroppable: true),
        EventDescriptor(
            name: "presence", scope: .read, summary: "{presence[]}: who is connected.", isDroppable: true),
        EventDescriptor(name: "tick", scope: nil, summary: "{ts}: the gateway lives.", isDroppable: true),
        EventDescriptor(name: "health", scope: .read, summary: "The payload of `health`.", isDroppable: true),
        EventDescriptor(
            name: "shutdown", scope: nil, summary: "{reason, restartExpectedMs}: the gateway stops.", isDroppable: false
        ),
        EventDescriptor(
            name: "sessions.changed", scope: .read, summary: "{key, reason}: to subscribers.", isDroppable: true),
        EventDescriptor(
            name: "session.message", scope: .read, summary: "{key, message, messageId}: to subscribers.",
            isDroppable: true),
        EventDescriptor(
            name: "config.changed", scope: .read, summary: "{hash, paths[], restartRequired}.", isDroppable: true),
        EventDescriptor(
            name: "gateway.lifecycle", scope: .read,
            summary: "{ticket, action, state, reason, error?, configHash?}: a restart or stop was taken on or refused.",
            isDroppable: false),
        EventDescriptor(
            name: "canvas", scope: .read,
            summary: "{op: scene, scene, written}: what the canvas shows; {op: eval|snapshot, id, scene, …}: to one"
                + " page, which answers with `canvas.result`.", isDroppable: false),
        EventDescriptor(
            name: "exec.approval.requested", scope: .approvals,
            summary: "{id, request, createdAtMs, expiresAtMs}: the owner is asked.", isDroppable: false),
        EventDescriptor(
            name: "exec.approval.resolved", scope: .approvals,
            summary: "{id, decision, resolvedBy?, ts, request}: a question is over; decision null: nobody answered.",
            isDroppable: false),
        EventDescriptor(
            name: "device.pair.requested", scope: .pairing, summary: "A device asks to be let in.", isDroppable: false),
        EventDescriptor(
            name: "device.pair.resolved", scope: .pairing, summary: "{requestId, deviceId, decision, ts}.",
            isDroppable: false),
    ]

    /// The event called `name`.
    public static func named(_ name: String) -> EventDescriptor? { byName[name] }

    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
}
