extension MethodDescriptor {
    private static let decisions = ["allow-once", "allow-always", "deny"]

    /// Questions to the owner, and what the owner allowed for good.
    public static let approvals: [MethodDescriptor] = [
        MethodDescriptor(
            "exec.approval.request", scope: .approvals,
            "Asks the owner and waits. With twoPhase a first answer {status: accepted} comes at once.",
            parameters: [
                .optional("id", .string(minimum: 1)), .required("command", .string(minimum: 1)),
                .optional("commandArgv", .array(.string())), .optional("systemRunPlanV2", .nullable(.object)),
                .optional("env", .nullable(.object)), .optional("cwd", .nullable(.string())),
                .optional("nodeId", .nullable(.string())), .optional("host", .nullable(.string())),
                .optional("security", .nullable(.string())), .optional("ask", .nullable(.string())),
                .optional("agentId", .nullable(.string())), .optional("resolvedPath", .nullable(.string())),
                .optional("sessionKey", .nullable(.string())), .optional("turnSourceChannel", .nullable(.string())),
                .optional("turnSourceTo", .nullable(.string())),
                .optional("turnSourceAccountId", .nullable(.string())), .optional("turnSourceThreadId", .any),
                .optional("timeoutMs", .integer(1...3_600_000)), .optional("twoPhase", .boolean),
            ], result: "{id, decision: allow-once|allow-always|deny|null, createdAtMs, expiresAtMs}"),
        MethodDescriptor(
            "exec.approval.waitDecision", scope: .approvals, "Waits for the answer to a question.",
            parameters: [.required("id", .string(minimum: 1))],
            result: "{id, decision: allow-once|allow-always|deny|null, createdAtMs, expiresAtMs}"),
        MethodDescriptor(
            "exec.approval.resolve", scope: .approvals, "Answers a question, once; id may be a unique beginning of it.",
            parameters: [.required("id", .string(minimum: 1)), .required("decision", .word(decisions))],
            result: "{ok, id, decision}"),
        MethodDescriptor(
            "exec.approval.list", scope: .approvals, "The questions that wait.",
            result: "{ts, pending[{id, request{command, title, tool, risk, agentId, …}, createdAtMs, expiresAtMs}]}"),
        MethodDescriptor(
            "exec.approvals.get", scope: .admin, "What the owner allowed for good (exec-approvals.json).",
            result: "{path, exists, hash, file}"),
        MethodDescriptor(
            "exec.approvals.set", scope: .admin, "Replaces it; baseHash is the hash that get told.",
            parameters: [.required("file", .object), .optional("baseHash", .nullable(.string()))],
            result: "{path, exists, hash, file}"),
    ]
}
