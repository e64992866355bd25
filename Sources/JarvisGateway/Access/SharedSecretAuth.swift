import JarvisConfig
import JarvisCore
import JarvisProtocol

/// How the gateway checks the shared secret, resolved once from flags, configuration and environment.
struct SharedSecretAuth: Sendable {
    /// What a client must show.
    enum Mode: String, Sendable {
        /// Nothing; loopback only.
        case none
        /// `auth.token`.
        case token
        /// `auth.password`.
        case password
        /// Nothing but the headers of a configured proxy.
        case trustedProxy = "trusted-proxy"
    }

    /// What a client must show.
    var mode: Mode
    /// The token, in token mode.
    var token: Secret?
    /// The password, in password mode.
    var password: Secret?

    /// The outcome of a check.
    enum Verdict: Sendable, Hashable {
        /// The secret is right, or none is needed.
        case accepted
        /// No secret was shown.
        case missing
        /// A wrong one was shown.
        case mismatch
        /// The gateway has none to compare with.
        case notConfigured
    }

    /// Checks what a client showed. Takes the same time wherever the texts differ.
    func check(token shownToken: String?, password shownPassword: String?) -> Verdict {
        switch mode {
        case .none: return .accepted
        case .trustedProxy: return .missing
        case .token: return compare(shownToken, with: token)
        case .password: return compare(shownPassword, with: password)
        }
    }

    /// Checks an HTTP bearer: the token or the password, by mode.
    func check(bearer: String?) -> Verdict {
        mode == .password ? check(token: nil, password: bearer) : check(token: bearer, password: nil)
    }

    private func compare(_ shown: String?, with secret: Secret?) -> Verdict {
        guard let secret, !secret.reveal().isEmpty else { return .notConfigured }
        guard let shown, !shown.isEmpty else { return .missing }
        return Identifiers.equalSecrets(shown, secret.reveal()) ? .accepted : .mismatch
    }

    /// The refusal in the words that clients match on.
    func refusal(_ verdict: Verdict) -> WireError {
        let noun = mode == .password ? "password" : "token"
        let detail: (String, String) =
            switch (mode, verdict) {
            case (.password, .missing): ("AUTH_PASSWORD_MISSING", "password missing (give the gateway's password)")
            case (.password, .mismatch):
                ("AUTH_PASSWORD_MISMATCH", "password mismatch (the gateway's password differs)")
            case (.password, _): ("AUTH_PASSWORD_NOT_CONFIGURED", "password not configured on the gateway")
            case (.token, .missing):
                ("AUTH_TOKEN_MISSING", "gateway token missing (open the dashboard link or give the token)")
            case (.token, .mismatch): ("AUTH_TOKEN_MISMATCH", "gateway token mismatch (this gateway has another token)")
            case (.token, _): ("AUTH_TOKEN_NOT_CONFIGURED", "gateway token not configured on the gateway")
            default: ("AUTH_UNAUTHORIZED", "\(noun) refused")
            }
        return .invalidRequest("unauthorized: \(detail.1)", details: ["code": .string(detail.0)])
    }
}
