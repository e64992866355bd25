import JarvisCore

extension DoctorCheck {
    /// Whether the gateway can read its configuration.
    static let configuration = DoctorCheck(id: "config", title: "configuration") { patient, _ in
        let config = patient.config
        let path = patient.instance.configPath
        guard config.exists else {
            return [
                Finding(
                    "config.missing", .warning, "There is no configuration at \(path).", next: patient.command("setup"))
            ]
        }
        guard config.isUsable else {
            return [
                Finding(
                    "config.unusable", .error, "\(path) can't be used; a start takes the last good version.",
                    evidence: config.errors.prefix(5).map(\.description), next: patient.command("config validate"))
            ]
        }
        var findings: [Finding] = []
        if !config.errors.isEmpty {
            findings.append(
                Finding(
                    "config.invalid", .error,
                    "\(path) holds errors; switched off: \(config.disabledSections.joined(separator: ", ")).",
                    evidence: config.errors.prefix(10).map(\.description), next: patient.command("config validate")))
        }
        if !config.warnings.isEmpty {
            findings.append(
                Finding(
                    "config.warnings", .warning, "\(path) holds settings that do nothing.",
                    evidence: config.warnings.prefix(10).map(\.description), next: patient.command("config validate")))
        }
        if config.config.gateway.mode == nil {
            findings.append(
                Finding(
                    "config.mode", .warning, "gateway.mode is not set in \(path), so the gateway does not start.",
                    next: patient.command("config set gateway.mode local")))
        }
        return findings
    }
}
