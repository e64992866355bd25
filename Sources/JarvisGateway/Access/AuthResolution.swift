import JarvisConfig
import JarvisCore

/// Where the shared secret comes from: flags, then the configuration, then the environment.
package struct SharedSecretAuthFacts: Sendable {
    /// `--auth`.
    package var mode: String?
    /// `--token`.
    package var token: Secret?
    /// `--password`.
    package var password: Secret?
    /// `JARVIS_GATEWAY_TOKEN`.
    package var environmentToken: Secret?
    /// `JARVIS_GATEWAY_PASSWORD`.
    package var environmentPassword: Secret?
    /// A token made for this process because none was to be found and none may be saved.
    package var generatedToken: Secret?

    /// Nothing given.
    package init() {}

    /// The check that these facts and the configuration ask for. Mode: flag → `gateway.auth.mode` → a password is there
    /// → a token is there → token. Secrets of the configuration beat those of the environment.
    func resolve(_ config: Config) -> SharedSecretAuth {
        let section = config.gateway.auth
        let token = self.token ?? section.token ?? environmentToken ?? generatedToken
        let password = self.password ?? section.password ?? environmentPassword
        let mode: SharedSecretAuth.Mode =
            mode.flatMap(SharedSecretAuth.Mode.init(rawValue:))
            ?? section.mode.flatMap { SharedSecretAuth.Mode(rawValue: $0.rawValue) }
            ?? (password != nil ? .password : .token)
        return SharedSecretAuth(mode: mode, token: token, password: password)
    }
}

extension SharedSecretAuth {
    /// Whether the secret is strong enough to be reached from other hosts, by `CredentialStrength`.
    var isStrong: Bool {
        switch mode {
        case .none: false
        case .token: (token?.reveal().utf8.count ?? 0) >= CredentialStrength.leastTokenBytes
        case .password: (password?.reveal().utf8.count ?? 0) >= CredentialStrength.leastPasswordBytes
        case .trustedProxy: true
        }
    }

    /// Whether a client could prove itself at all.
    var isUsable: Bool {
        switch mode {
        case .none, .trustedProxy: true
        case .token: !(token?.reveal().isEmpty ?? true)
        case .password: !(password?.reveal().isEmpty ?? true)
        }
    }
}

extension AuthRateLimiter.Limits {
    init(_ config: AuthRateLimitConfig) {
        maxAttempts = config.maxAttempts
        windowMs = Int64(config.windowMs)
        lockoutMs = Int64(config.lockoutMs)
        exemptLoopback = config.exemptLoopback
    }
}
