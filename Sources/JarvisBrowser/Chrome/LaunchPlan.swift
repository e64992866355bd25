import JarvisSystem

/// What is needed to start a browser.
package struct LaunchPlan: Sendable {
    /// The browser's program, absolute.
    package var executable: String
    /// Its user-data directory, absolute; made when it is missing.
    package var userDataDir: String
    /// Whether that directory is this instance's alone: then a lock of another host in it is an old one.
    package var ownsDirectory = true
    /// Whether it is to show no window. Without a display it shows none anyway.
    package var headless: Bool
    /// Whether its sandbox is off (needed as root).
    package var noSandbox: Bool
    /// A debugging port to open on 127.0.0.1 beside the pipe; nil: none.
    package var cdpPort: Int?
    /// The port of the egress proxy on 127.0.0.1 that everything goes through; nil: none.
    package var proxyPort: Int?
    /// More arguments, from the configuration.
    package var extraArgs: [String]
    /// Its environment, whole.
    package var environment: [String: String]
    /// Who starts it and answers for its end.
    package var children: ChildTree
    /// How long it may take until it answers. Default 15 s.
    package var readyTimeout: Duration = .seconds(15)

    /// A plan.
    ///
    /// - Parameter proxy: the egress proxy as `127.0.0.1:port`.
    package init(
        executable: String, userDataDir: String, headless: Bool = false, noSandbox: Bool = false, cdpPort: Int? = nil,
        proxy: String? = nil, extraArgs: [String] = [], environment: [String: String] = [:], children: ChildTree
    ) {
        self.executable = executable
        self.userDataDir = userDataDir
        self.headless = headless
        self.noSandbox = noSandbox
        self.cdpPort = cdpPort
        proxyPort = proxy?.split(separator: ":").last.flatMap { Int($0) }
        self.extraArgs = extraArgs
        self.environment = environment
        self.children = children
    }

    /// Whether it will show no window.
    package var isHeadless: Bool { headless || !Self.hasDisplay(environment) }

    /// Whether a window can be shown at all.
    static func hasDisplay(_ environment: [String: String]) -> Bool {
        #if os(Linux)
            ["DISPLAY", "WAYLAND_DISPLAY"].contains { !(environment[$0] ?? "").isEmpty }
        #else
            true
        #endif
    }
}
