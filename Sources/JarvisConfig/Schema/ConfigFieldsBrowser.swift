import JarvisCore

extension ConfigFields {
    /// The browsers that agents drive.
    @FieldList static var browser: [ConfigField] {
        Field("browser", .object, nil, "The browsers that agents drive.", reload: .hot)
        Field("browser.enabled", .bool, true, "Whether there is a browser at all.")
        Field("browser.evaluateEnabled", .bool, true, "Whether callers may run scripts of their own in pages.")
        Field("browser.defaultProfile", .text, "jarvis", "The browser profile that is meant when none is named.")
        Field("browser.cdp", .choice(["pipe", "port"]), "pipe", "How a launched browser is spoken to; port opens one.")
        Field(
            "browser.cdpUrl", browserAddress, nil, "The debugging address of a browser that runs already.",
            sharing: .exclusive)
        Field(
            "browser.remoteCdpTimeoutMs", .integer(1...600_000), 1500, "How long a remote browser may take to answer.",
            unit: .milliseconds)
        Field(
            "browser.remoteCdpHandshakeTimeoutMs", .integer(1...600_000), nil,
            "How long its WebSocket may take to open; by default twice as long, at least 2000.", unit: .milliseconds)
        Field("browser.color", .string, "#FF4500", "The colour of the default profile, #RRGGBB.")
        Field("browser.executablePath", .text, nil, "The browser's program; without it the installed one is found.")
        Field("browser.headless", .bool, false, "Whether browsers have no window; without a display they never have.")
        Field("browser.noSandbox", .bool, false, "Whether Chrome's sandbox is off, which root needs.")
        Field("browser.attachOnly", .bool, false, "Whether no browser is ever launched.")
        Field("browser.extraArgs", .strings, [], "Further flags for Chrome.")
        Field("browser.snapshotDefaults", .object, nil, "How pages are described unless asked otherwise.")
        Field("browser.snapshotDefaults.mode", .choice(["efficient"]), nil, "efficient: short, what can be acted on.")
        Field(
            "browser.ignoreHTTPSErrors", .bool, false, "Whether certificates that nobody vouches for are accepted.")
        Field("browser.ssrfPolicy", .object, nil, "Which addresses pages may be loaded from.")
        Field(
            "browser.ssrfPolicy.dangerouslyAllowPrivateNetwork", .bool, false,
            "Whether this host and private networks may be opened.")
        Field("browser.ssrfPolicy.allowPrivateNetwork", .bool, nil, "Older spelling of the same.")
        Field("browser.ssrfPolicy.allowedHostnames", .strings, [], "Hosts that may be opened whatever their address.")
        Field("browser.ssrfPolicy.hostnameAllowlist", .strings, [], "When not empty, the only hosts to be opened.")
        Field("browser.controlUrl", .any, nil, "Older key, not used: it is base + 2.", sharing: .exclusive)
        Field("browser.profiles", .map, nil, "Browser profiles by name: a-z, 0-9 and -, at most 64.")
        Field("browser.profiles.*", .object, nil, "One browser profile.")
        Field(
            "browser.profiles.*.cdpPort", .integer(FieldRange.port), nil,
            "Its debugging port, which is opened; without it one is leased.", sharing: .exclusive, unit: .port)
        Field(
            "browser.profiles.*.cdpUrl", browserAddress, nil, "The debugging address of a browser that runs already.",
            sharing: .exclusive)
        Field(
            "browser.profiles.*.driver", .choice(["jarvis", "existing-session"]), "jarvis",
            "jarvis launches or connects; existing-session takes over a browser with a user-data directory of its own.")
        Field("browser.profiles.*.color", .string, nil, "Its colour, #RRGGBB.")
        Field("browser.profiles.*.headless", .bool, nil, "As browser.headless, for this one.")
        Field("browser.profiles.*.executablePath", .text, nil, "As browser.executablePath, for this one.")
        Field(
            "browser.profiles.*.userDataDir", .text, nil, "Its user-data directory; without it one in the instance.",
            sharing: .exclusive)
        Field("browser.profiles.*.attachOnly", .bool, nil, "As browser.attachOnly, for this one.")
        Field("browser.profiles.*.cdp", .choice(["pipe", "port"]), nil, "As browser.cdp, for this one.")
        Field(
            "browser.profiles.*.ignoreHTTPSErrors", .bool, nil, "As browser.ignoreHTTPSErrors, for this one.")
        Field(
            "browser.profiles.*.shared", .bool, false, "Whether another profile or gateway may have the same cdpUrl.")
    }

    private static let browserAddress = ConfigField.Kind.url(schemes: ["http", "https", "ws", "wss"])
}
