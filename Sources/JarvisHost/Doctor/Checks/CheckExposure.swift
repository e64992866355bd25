import JarvisConfig
import JarvisCore

extension DoctorCheck {
    /// Who can reach the gateway, and with which proof.
    static let exposure = DoctorCheck(id: "exposure", title: "exposure") { patient, context in
        let gateway = patient.config.config.gateway
        var findings: [Finding] = []
        let isExposed = gateway.bind != .loopback && gateway.bind != .auto
        let auth = gateway.auth
        if isExposed, !isStrong(auth) {
            findings.append(
                Finding(
                    "exposure.weak", .error,
                    "gateway.bind is \(gateway.bind.rawValue), and the credential is missing or weak (a token needs 24"
                        + " characters, a password 12): the gateway refuses to listen there.",
                    next: patient.command("config set gateway.auth.token \"$(openssl rand -hex 24)\"")))
        } else if auth.isBroken {
            findings.append(
                Finding(
                    "exposure.broken", .error, "gateway.auth holds an error, so no client can prove itself with it.",
                    next: patient.command("config validate")))
        } else if auth.mode == GatewayAuthConfig.Mode.none {
            findings.append(
                Finding(
                    "exposure.open", .warning,
                    "gateway.auth.mode is none: every program of this host may use the gateway.",
                    next: patient.command("config set gateway.auth.mode token")))
        } else if isExposed || patient.attested?.exposure.isExposed == true {
            findings.append(
                Finding(
                    "exposure.open-port", .info,
                    "Other hosts can reach it (\(gateway.bind.rawValue), \(auth.effectiveMode.rawValue))."))
        }
        if gateway.controlUi.dangerouslyDisableDeviceAuth || gateway.controlUi.allowInsecureAuth {
            findings.append(
                Finding(
                    "exposure.page", isExposed ? .error : .warning,
                    "The page is let in without a device key (gateway.controlUi).",
                    next: patient.command("config unset gateway.controlUi.dangerouslyDisableDeviceAuth")))
        }
        return findings
    }

    private static func isStrong(_ auth: GatewayAuthConfig) -> Bool {
        if auth.isBroken { return false }
        return switch auth.effectiveMode {
        case .none: false
        case .token: (auth.token?.reveal().utf8.count ?? 0) >= 24
        case .password: (auth.password?.reveal().utf8.count ?? 0) >= 12
        case .trustedProxy: true
        }
    }

    /// What this shell says besides the flags.
    static let environment = DoctorCheck(id: "environment", title: "environment") { patient, _ in
        var overruled: [String] = []
        for value in Instance.Value.allCases {
            for lost in patient.instance.provenance[value]?.overruled ?? [] {
                overruled.append("\(lost.source) = \(lost.value): \(lost.reason)")
            }
        }
        guard !overruled.isEmpty else { return [] }
        return [
            Finding(
                "environment.overruled", .info,
                "Variables of this shell name another gateway; they do not count here.", evidence: overruled)
        ]
    }
}
