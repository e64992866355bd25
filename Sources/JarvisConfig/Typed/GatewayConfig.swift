import JarvisCore

/// `gateway`.
package struct GatewayConfig: Sendable {
    /// Where the gateway runs.
    package enum Mode: String, Sendable { case local, remote }

    /// Which addresses it listens on.
    package enum Bind: String, Sendable, CaseIterable { case loopback, lan, tailnet, auto, custom }

    /// The configured base port; nil: the profile decides.
    package let port: Int?
    /// Nil: not configured; a gateway then starts only with `--allow-unconfigured`.
    package let mode: Mode?
    /// Default loopback.
    package let bind: Bind
    /// The address for `bind` custom.
    package let customBindHost: String?
    /// How clients prove who they are.
    package let auth: GatewayAuthConfig
    /// The page.
    package let controlUi: ControlUIConfig
    /// What happens when the file changes.
    package let reload: ReloadConfig
    /// The gateway that commands talk to in remote mode.
    package let remote: RemoteGatewayConfig
    /// TLS on the gateway port.
    package let tls: GatewayTLSConfig
    /// `off` (default), `serve` or `funnel`.
    package let tailscaleMode: String
    /// Proxies whose forwarding headers are believed.
    package let trustedProxies: [String]
    /// Whether X-Real-IP of a trusted proxy is believed too. Default false.
    package let allowRealIpFallback: Bool
    /// Tools that may be called over HTTP besides the safe ones.
    package let toolsAllow: [String]
    /// Tools that may not be called over HTTP.
    package let toolsDeny: [String]

    init(_ reader: ConfigReader, isAuthBroken: Bool) {
        port = reader.int("port")
        mode = reader.choice("mode")
        bind = reader.choice("bind", else: .loopback)
        customBindHost = reader.string("customBindHost")
        auth = GatewayAuthConfig(reader.section("auth"), isBroken: isAuthBroken)
        controlUi = ControlUIConfig(reader.section("controlUi"))
        reload = ReloadConfig(reader.section("reload"))
        remote = RemoteGatewayConfig(reader.section("remote"))
        tls = GatewayTLSConfig(reader.section("tls"))
        tailscaleMode = reader.string("tailscale.mode", else: "off")
        trustedProxies = reader.strings("trustedProxies")
        allowRealIpFallback = reader.flag("allowRealIpFallback")
        toolsAllow = reader.strings("tools.allow")
        toolsDeny = reader.strings("tools.deny")
    }
}

/// `gateway.auth`.
package struct GatewayAuthConfig: Sendable {
    /// Which proof is asked for.
    package enum Mode: String, Sendable {
        case none, token, password
        case trustedProxy = "trusted-proxy"
    }

    /// The configured mode; nil: see `effectiveMode`.
    package let mode: Mode?
    /// The shared token.
    package let token: Secret?
    /// The shared password.
    package let password: Secret?
    /// Whether an identity that Tailscale vouches for is enough; nil: decided by the mode.
    package let allowTailscale: Bool?
    /// What failed attempts cost.
    package let rateLimit: AuthRateLimitConfig
    /// A proxy that has authenticated the user; nil when none is configured.
    package let trustedProxy: TrustedProxyConfig?
    /// Whether the section holds an error, such as a token whose variable is unset. A gateway must then neither make a
    /// new token nor listen beyond loopback.
    package let isBroken: Bool

    init(_ reader: ConfigReader, isBroken: Bool) {
        mode = reader.choice("mode")
        token = reader.secret("token")
        password = reader.secret("password")
        allowTailscale = reader.optionalFlag("allowTailscale")
        rateLimit = AuthRateLimitConfig(reader.section("rateLimit"))
        trustedProxy = reader.string("trustedProxy.userHeader").map {
            TrustedProxyConfig(userHeader: $0, reader.section("trustedProxy"))
        }
        self.isBroken = isBroken
    }

    /// The configured mode; else password when one is set, else token.
    package var effectiveMode: Mode { mode ?? (password != nil ? .password : .token) }
}

/// `gateway.auth.rateLimit`.
package struct AuthRateLimitConfig: Sendable {
    /// Failed attempts of one address before it is locked out. Default 10.
    package let maxAttempts: Int
    /// How long an attempt counts, in milliseconds. Default 60,000.
    package let windowMs: Int
    /// How long a lock-out lasts, in milliseconds. Default 300,000.
    package let lockoutMs: Int
    /// Whether this host is never locked out. Default true.
    package let exemptLoopback: Bool

    init(_ reader: ConfigReader) {
        maxAttempts = reader.int("maxAttempts", else: 10)
        windowMs = reader.int("windowMs", else: 60000)
        lockoutMs = reader.int("lockoutMs", else: 300_000)
        exemptLoopback = reader.flag("exemptLoopback")
    }
}

/// `gateway.auth.trustedProxy`.
package struct TrustedProxyConfig: Sendable {
    /// The header that names the user.
    package let userHeader: String
    /// Headers that must be there too.
    package let requiredHeaders: [String]
    /// Users who may enter; empty: all.
    package let allowUsers: [String]

    init(userHeader: String, _ reader: ConfigReader) {
        self.userHeader = userHeader
        requiredHeaders = reader.strings("requiredHeaders")
        allowUsers = reader.strings("allowUsers")
    }
}

/// `gateway.controlUi`.
package struct ControlUIConfig: Sendable {
    /// Whether the page is served. Default true.
    package let enabled: Bool
    /// The path under which it is served. Default empty: the root.
    package let basePath: String
    /// A directory to serve it from instead of the built-in one.
    package let root: String?
    /// Origins that may open a WebSocket besides the gateway's own.
    package let allowedOrigins: [String]
    /// Default false.
    package let dangerouslyAllowHostHeaderOriginFallback: Bool
    /// Default false.
    package let allowInsecureAuth: Bool
    /// Default false.
    package let dangerouslyDisableDeviceAuth: Bool

    init(_ reader: ConfigReader) {
        enabled = reader.flag("enabled")
        basePath = reader.string("basePath", else: "")
        root = reader.string("root")
        allowedOrigins = reader.strings("allowedOrigins")
        dangerouslyAllowHostHeaderOriginFallback = reader.flag("dangerouslyAllowHostHeaderOriginFallback")
        allowInsecureAuth = reader.flag("allowInsecureAuth")
        dangerouslyDisableDeviceAuth = reader.flag("dangerouslyDisableDeviceAuth")
    }
}

/// `gateway.reload`.
package struct ReloadConfig: Sendable {
    /// What a change of the file does.
    package enum Mode: String, Sendable { case hybrid, hot, restart, off }

    /// Default hybrid.
    package let mode: Mode
    /// How long to wait for further changes, in milliseconds. Default 300.
    package let debounceMs: Int

    init(_ reader: ConfigReader) {
        mode = reader.choice("mode", else: .hybrid)
        debounceMs = reader.int("debounceMs", else: 300)
    }
}

/// `gateway.remote`.
package struct RemoteGatewayConfig: Sendable {
    /// The WebSocket address.
    package let url: String?
    /// `direct` (default) or `ssh`.
    package let transport: String
    /// The token.
    package let token: Secret?
    /// The password.
    package let password: Secret?
    /// SHA-256 of the certificate.
    package let tlsFingerprint: String?
    /// `user@host`.
    package let sshTarget: String?
    /// The key file.
    package let sshIdentity: String?

    init(_ reader: ConfigReader) {
        url = reader.string("url")
        transport = reader.string("transport", else: "direct")
        token = reader.secret("token")
        password = reader.secret("password")
        tlsFingerprint = reader.string("tlsFingerprint")
        sshTarget = reader.string("sshTarget")
        sshIdentity = reader.string("sshIdentity")
    }
}

/// `gateway.tls`.
package struct GatewayTLSConfig: Sendable {
    /// Default false.
    package let enabled: Bool
    /// Whether to make a self-signed certificate when there is none. Default true.
    package let autoGenerate: Bool
    /// The certificate chain in PEM form.
    package let certPath: String?
    /// The private key in PEM form.
    package let keyPath: String?
    /// Further roots in PEM form.
    package let caPath: String?

    init(_ reader: ConfigReader) {
        enabled = reader.flag("enabled")
        autoGenerate = reader.flag("autoGenerate")
        certPath = reader.string("certPath")
        keyPath = reader.string("keyPath")
        caPath = reader.string("caPath")
    }
}
