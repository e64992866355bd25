import JarvisCore

/// How strong a shared secret must be before other hosts may reach the port it guards.
package enum CredentialStrength {
    /// The least bytes of a token.
    package static let leastTokenBytes = 24
    /// The least bytes of a password.
    package static let leastPasswordBytes = 12
}

extension GatewayConfig {
    /// Whether this asks for addresses that other hosts may reach. `tailnet` counts: whether there is one, the start
    /// sees.
    package var asksForExposure: Bool {
        switch bind {
        case .loopback, .auto: false
        case .lan, .tailnet: true
        case .custom: !["127.0.0.1", "::1"].contains(customBindHost ?? "127.0.0.1")
        }
    }

    /// What is wrong with a port that other hosts may reach, as far as the configuration says it: nil when it asks for
    /// none, when the credential is strong, or when it is left to flags and environment of the start, which judges it
    /// again.
    package var exposureProblem: String? {
        guard asksForExposure, !auth.isBroken else { return nil }
        switch auth.mode ?? (auth.password != nil ? .password : .token) {
        case .none: return "gateway.auth.mode is none"
        case .token:
            guard let token = auth.token, token.reveal().utf8.count < CredentialStrength.leastTokenBytes else {
                return nil
            }
            return "gateway.auth.token has fewer than \(CredentialStrength.leastTokenBytes) characters"
        case .password:
            guard let password = auth.password,
                password.reveal().utf8.count < CredentialStrength.leastPasswordBytes
            else { return nil }
            return "gateway.auth.password has fewer than \(CredentialStrength.leastPasswordBytes) characters"
        case .trustedProxy: return nil
        }
    }
}

extension ConfigStore {
    /// A change that opens the port to other hosts behind a weak credential is not written: a running gateway would
    /// refuse it at its next start, when nobody is looking. What stood there before does not block other changes.
    ///
    /// - Throws: `config.exposed`, exit 1.
    func refuseExposure(_ old: ConfigSnapshot, _ new: ConfigSnapshot) throws(JarvisError) {
        guard new.isUsable, let problem = new.config.gateway.exposureProblem else { return }
        let keys = [
            ConfigPath("gateway", "bind"), ConfigPath("gateway", "customBindHost"), ConfigPath("gateway", "auth"),
        ]
        let changed = new.changedPaths(since: old)
        guard changed.contains(where: { path in keys.contains { path.hasPrefix($0) } }) else { return }
        throw JarvisError(
            "config.exposed",
            "the change was not written: with gateway.bind “\(new.config.gateway.bind.rawValue)” other hosts could"
                + " reach the gateway, and \(problem)",
            hint: "Set a strong secret first: jarvis config set gateway.auth.token \"$(openssl rand -hex 24)\"",
            metadata: ["path": "gateway.bind"])
    }
}
