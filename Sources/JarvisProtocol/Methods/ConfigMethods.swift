extension MethodDescriptor {
    private static let raw = ParameterSpec.required("raw", .string())
    private static let baseHash = ParameterSpec.optional("baseHash", .string(minimum: 1))
    private static let applyOptions: [ParameterSpec] = [
        .optional("sessionKey", .string()), .optional("note", .string()),
        .optional("restartDelayMs", .integer(0...Int.max)),
    ]

    /// The configuration file.
    public static let config: [MethodDescriptor] = [
        MethodDescriptor(
            "config.get", scope: .read, "The configuration, secrets redacted.",
            result: "{path, exists, raw, parsed, resolved, valid, config, hash?, issues[], warnings[], legacyIssues[]}"),
        MethodDescriptor(
            "config.set", scope: .admin, "Replaces the file's text.", parameters: [raw, baseHash],
            result: "{ok, path, config}"),
        MethodDescriptor(
            "config.apply", scope: .admin, "Replaces the file's text and restarts what must be.",
            parameters: [raw, baseHash] + applyOptions, result: "{ok, path, config, restart, sentinel}"),
        MethodDescriptor(
            "config.patch", scope: .admin, "Merges a patch (null deletes; arrays of objects merge by id).",
            parameters: [raw, baseHash] + applyOptions, result: "{ok, path, config, restart, sentinel}"),
        MethodDescriptor(
            "config.schema", scope: .admin, "The schema and hints for editors.",
            result: "{schema, uiHints, version, generatedAt}"),
    ]
}
