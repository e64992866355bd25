extension MethodDescriptor {
    /// Health, status, presence, logs, wake.
    public static let system: [MethodDescriptor] = [
        MethodDescriptor(
            "health", scope: nil, "The gateway's health.", parameters: [.optional("probe", .boolean)],
            result: "{ok, ts, durationMs, channels, agents[], sessions{…}, …}"),
        MethodDescriptor(
            "status", scope: .read, "The summary that `jarvis status` prints.",
            parameters: [.optional("deep", .boolean)],
            result: "{gateway{…}, heartbeat, sessions, agents, …}"),
        MethodDescriptor("system-presence", scope: .read, "Who is connected.", result: "PresenceEntry[]"),
        MethodDescriptor(
            "system-event", scope: .admin, "Tells the gateway about a client's host.",
            parameters: [
                .required("text", .string(minimum: 1)), .optional("deviceId", .string()),
                .optional("instanceId", .string()), .optional("host", .string()), .optional("ip", .string()),
                .optional("mode", .string()), .optional("version", .string()), .optional("platform", .string()),
                .optional("lastInputSeconds", .number), .optional("reason", .string()),
                .optional("roles", .array(.string())), .optional("scopes", .array(.string())),
                .optional("tags", .array(.string())),
            ], result: "{ok}"),
        MethodDescriptor("last-heartbeat", scope: .read, "The last heartbeat event.", result: "heartbeat | null"),
        MethodDescriptor(
            "set-heartbeats", scope: .admin, "Turns heartbeats on or off.",
            parameters: [.required("enabled", .boolean)], result: "{ok, enabled}"),
        MethodDescriptor(
            "wake", scope: .write, "Gives the main session a system note, now or with its next turn.",
            parameters: [
                .required("mode", .word(["now", "next-heartbeat"])), .required("text", .string(minimum: 1)),
            ], result: "{ok}"),
        MethodDescriptor(
            "logs.tail", scope: .read, "Lines of the gateway's log, from a cursor.",
            parameters: [
                .optional("cursor", .integer(0...Int.max)), .optional("limit", .integer(1...5000)),
                .optional("maxBytes", .integer(1...1_000_000)),
            ], result: "{file, cursor, size, lines[], truncated?, reset?}"),
        MethodDescriptor(
            "gateway.identity.get", scope: .read, "Which instance this is.",
            result: "{instanceId, profile, version, pid, bootId, port, stateDir, configPath}"),
        MethodDescriptor(
            "gateway.restart", scope: .admin,
            "Restarts this gateway after active runs had time to end. While a restart is under way the same ticket"
                + " comes back.",
            parameters: [.optional("reason", .string()), .optional("delayMs", .integer(0...60_000))],
            result: "{ok, accepted, ticket, state, reason, alreadyPending, restartExpectedMs, error?}"),
        MethodDescriptor(
            "gateway.stop", scope: .admin, "Stops this gateway after active runs had time to end.",
            parameters: [.optional("reason", .string()), .optional("delayMs", .integer(0...60_000))],
            result: "{ok, accepted, ticket, state, reason, alreadyPending, error?}"),
        MethodDescriptor(
            "gateway.ticket", scope: .read, "What became of a restart or stop.",
            parameters: [.required("ticket", .string(minimum: 1))],
            result: "{ticket, action, state, reason, before{pid, bootId, …}, after?, error?}"),
    ]
}
