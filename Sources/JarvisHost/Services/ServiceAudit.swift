import JarvisCore

/// What is wrong with an installed service, by reading its definition.
package struct ServiceAudit: Sendable {
    /// One finding.
    package struct Issue: Sendable, Hashable {
        /// The family's code, for example `gateway-command-missing`.
        package var code: String
        /// One sentence.
        package var message: String
        /// The value that was found.
        package var detail: String?
        /// `recommended` or `aggressive`: whether a repair may be offered or should be pressed.
        package var level: String

        /// For `--json`.
        package var json: JSONValue {
            .members([
                "code": .string(code), "message": .string(message), "detail": detail.map(JSONValue.string),
                "level": .string(level),
            ])
        }
    }

    /// The findings, the gravest first; empty when all is well.
    package let issues: [Issue]

    /// Compares `service` with what an installation by this program would make: `wanted`.
    package init(_ service: InstalledService, wanted: ServiceUnit) {
        var issues: [Issue] = []
        func add(_ code: String, _ message: String, _ detail: String? = nil, _ level: String = "recommended") {
            issues.append(Issue(code: code, message: message, detail: detail, level: level))
        }
        if !service.arguments.dropFirst().contains("gateway") {
            add("gateway-command-missing", "The service does not run “gateway”.", nil, "aggressive")
        }
        if let executable = service.executable, executable != wanted.executable {
            add(
                "gateway-entrypoint-mismatch", "The service starts another program than this one.",
                "\(executable) instead of \(wanted.executable)")
        }
        for (code, name, value) in [
            ("gateway-state-mismatch", "JARVIS_STATE_DIR", wanted.stateDirectory),
            ("gateway-config-mismatch", "JARVIS_CONFIG_PATH", wanted.configPath),
            ("gateway-profile-mismatch", "JARVIS_PROFILE", wanted.profile),
        ] where service.environment[name] != value {
            add(
                code, "\(name) of the service is not this instance's.",
                "\(service.environment[name] ?? "unset") instead of \(value)", "aggressive")
        }
        if let path = service.environment["PATH"] {
            if path != wanted.path { add("gateway-path-nonminimal", "PATH is not the one that jarvis writes.", path) }
        } else {
            add("gateway-path-missing", "The service sets no PATH.")
        }
        for secret in ["JARVIS_GATEWAY_TOKEN", "JARVIS_GATEWAY_PASSWORD"] where service.environment[secret] != nil {
            add(
                "gateway-token-drift",
                "\(secret) stands in the service; the configuration is the one place for it.", nil, "aggressive")
        }
        if let version = service.version, version != wanted.version {
            add("gateway-version-drift", "The service was written by version \(version).", wanted.version)
        }
        self.issues = issues
    }
}
