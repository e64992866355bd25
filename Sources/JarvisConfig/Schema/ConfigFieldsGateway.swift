extension ConfigFields {
    @FieldList static var gateway: [ConfigField] {
        Field("gateway", .object, nil, "The server that everything else hangs on.", reload: .restart)
        Field(
            "gateway.port", .integer(FieldRange.port), nil,
            "TCP port for HTTP and WebSocket. Without it the profile decides; the default instance uses 18789.",
            sharing: .regenerate, unit: .port)
        Field(
            "gateway.mode", .choice(["local", "remote"]), nil,
            "local: this host runs the gateway. remote: commands talk to gateway.remote.url. Only local starts a gateway."
        )
        Field(
            "gateway.bind", .choice(["loopback", "lan", "tailnet", "auto", "custom"]), "loopback",
            "Which addresses to listen on. Anything but loopback needs a token or a password.")
        Field("gateway.customBindHost", .text, nil, "The IPv4 address to listen on when gateway.bind is custom.")

        Field("gateway.auth", .object, nil, "How clients prove who they are.")
        Field(
            "gateway.auth.mode", .choice(["none", "token", "password", "trusted-proxy"]), nil,
            "Which proof is asked for. Without it: password when one is set, else token.")
        Field(
            "gateway.auth.token", .secret, nil, "The shared token; made at the first start.", sensitive: true,
            sharing: .regenerate)
        Field(
            "gateway.auth.password", .secret, nil, "The shared password.", sensitive: true, sharing: .regenerate)
        Field("gateway.auth.allowTailscale", .bool, nil, "Whether an identity that Tailscale vouches for is enough.")
        Field("gateway.auth.rateLimit", .object, nil, "What failed attempts cost.")
        Field(
            "gateway.auth.rateLimit.maxAttempts", .integer(FieldRange.positive), 10,
            "Failed attempts of one address before it is locked out.")
        Field(
            "gateway.auth.rateLimit.windowMs", .integer(FieldRange.dayMs), 60000, "How long an attempt counts.",
            unit: .milliseconds)
        Field(
            "gateway.auth.rateLimit.lockoutMs", .integer(FieldRange.dayMs), 300_000, "How long a lock-out lasts.",
            unit: .milliseconds)
        Field(
            "gateway.auth.rateLimit.exemptLoopback", .bool, true, "Whether this host itself is never locked out.")
        Field("gateway.auth.trustedProxy", .object, nil, "A reverse proxy that has authenticated the user.")
        Field("gateway.auth.trustedProxy.userHeader", .text, nil, "The header that names the user.")
        Field("gateway.auth.trustedProxy.requiredHeaders", .strings, [], "Headers that must be there too.")
        Field("gateway.auth.trustedProxy.allowUsers", .strings, [], "Users who may enter; empty means all.")

        Field("gateway.controlUi", .object, nil, "The page in the browser.")
        Field("gateway.controlUi.enabled", .bool, true, "Whether the page is served.")
        Field("gateway.controlUi.basePath", .string, "", "The path under which the page is served.")
        Field("gateway.controlUi.root", .string, nil, "A directory to serve the page from instead of the built-in one.")
        Field(
            "gateway.controlUi.allowedOrigins", .strings, [],
            "Origins that may open a WebSocket besides the gateway's own.")
        Field(
            "gateway.controlUi.dangerouslyAllowHostHeaderOriginFallback", .bool, false,
            "Take the Host header for the allowed origin. Lets any name that resolves here in.")
        Field(
            "gateway.controlUi.allowInsecureAuth", .bool, false, "Let the page in over plain HTTP without a device key."
        )
        Field(
            "gateway.controlUi.dangerouslyDisableDeviceAuth", .bool, false, "Ask the page for no device key at all.")

        Field("gateway.reload", .object, nil, "What happens when this file changes.", reload: ConfigField.Reload.none)
        Field(
            "gateway.reload.mode", .choice(["hybrid", "hot", "restart", "off"]), "hybrid",
            "hybrid: apply what can be, restart for the rest. hot: never restart. restart: always. off: ignore changes."
        )
        Field(
            "gateway.reload.debounceMs", .integer(0...60000), 300, "How long to wait for further changes.",
            unit: .milliseconds)

        Field(
            "gateway.remote", .object, nil, "The gateway that commands talk to in remote mode.",
            reload: ConfigField.Reload.none)
        Field("gateway.remote.url", .url(schemes: ["ws", "wss"]), nil, "Its WebSocket address.")
        Field("gateway.remote.transport", .choice(["ssh", "direct"]), "direct", "How to reach it.")
        Field("gateway.remote.token", .secret, nil, "Its token.", sensitive: true)
        Field("gateway.remote.password", .secret, nil, "Its password.", sensitive: true)
        Field("gateway.remote.tlsFingerprint", .text, nil, "SHA-256 of its certificate.")
        Field("gateway.remote.sshTarget", .text, nil, "user@host for the ssh transport.")
        Field("gateway.remote.sshIdentity", .text, nil, "The key file for the ssh transport.")

        Field("gateway.tls", .object, nil, "HTTPS and WSS on the gateway port.")
        Field("gateway.tls.enabled", .bool, false, "Whether to speak TLS.")
        Field("gateway.tls.autoGenerate", .bool, true, "Make a self-signed certificate when there is none.")
        Field("gateway.tls.certPath", .text, nil, "The certificate chain in PEM form.")
        Field("gateway.tls.keyPath", .text, nil, "The private key in PEM form.")
        Field("gateway.tls.caPath", .text, nil, "Further roots in PEM form.")

        Field("gateway.tailscale", .object, nil, "Publishing over Tailscale.")
        Field(
            "gateway.tailscale.mode", .choice(["off", "serve", "funnel"]), "off", "What to publish.",
            sharing: .exclusive)
        Field("gateway.tailscale.resetOnExit", .bool, false, "Take the publication back on exit.")

        Field("gateway.trustedProxies", .strings, [], "Addresses of proxies whose forwarding headers are believed.")
        Field("gateway.allowRealIpFallback", .bool, false, "Believe X-Real-IP of a trusted proxy too.")
        Field("gateway.http", .any, nil, "The HTTP endpoints of the gateway port.")
        Field("gateway.nodes", .any, nil, "What nodes may do.")
        Field("gateway.tools", .object, nil, "Which tools may be called over HTTP.")
        Field("gateway.tools.allow", .strings, [], "Tools that may be called besides the safe ones.")
        Field("gateway.tools.deny", .strings, [], "Tools that may not be called.")
        Field(
            "gateway.channelHealthCheckMinutes", .integer(0...1440), nil,
            "How often channels are looked after; 0 switches it off.", unit: .minutes)
    }
}
