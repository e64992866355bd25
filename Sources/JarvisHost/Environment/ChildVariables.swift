extension HostEnvironment {
    /// Variables that name one gateway: a program that inherits them would mean this instance without having been told
    /// to.
    package static let identityVariables: Set<String> = [
        "JARVIS_PROFILE", "JARVIS_STATE_DIR", "JARVIS_CONFIG_PATH", "JARVIS_INSTANCE_ID", "JARVIS_GATEWAY_PORT",
        "JARVIS_SERVICE_MARKER", "JARVIS_SERVICE_KIND", "JARVIS_SERVICE_VERSION", "JARVIS_SYSTEMD_UNIT",
        "JARVIS_LAUNCHD_LABEL", "JARVIS_WINDOWS_TASK_NAME", "JARVIS_TASK_SCRIPT",
    ]

    /// Variables by which a service manager talks to this process alone. A child that used them would speak in the
    /// gateway's name: say that it is ready, keep its watchdog quiet, take its sockets.
    package static let serviceVariables: Set<String> = [
        "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "INVOCATION_ID", "JOURNAL_STREAM", "LISTEN_FDS", "LISTEN_PID",
        "LISTEN_FDNAMES", "MAINPID", "MANAGERPID", "SYSTEMD_EXEC_PID", "CREDENTIALS_DIRECTORY", "XPC_SERVICE_NAME",
        "JARVIS_EXIT_REPORT",
    ]

    /// Credentials of this gateway. No child gets them unless a tool is given one by name.
    package static let secretVariables: Set<String> = ["JARVIS_GATEWAY_TOKEN", "JARVIS_GATEWAY_PASSWORD"]

    /// The environment for a child of the gateway (tool, browser, hook): this one without the variables that name this
    /// instance, without those of the service manager and without the gateway's credentials. `JARVIS_HOME` and
    /// `JARVIS_HOST_DIR` stay: they say where all instances of this user lie, not which one is meant.
    ///
    /// - Parameter keepingIdentity: for a child that is to act on this very instance, such as a helper of the gateway:
    ///   the variables that name it stay. The others are taken away all the same.
    package func childVariables(keepingIdentity: Bool = false) -> [String: String] {
        variables.filter { name, _ in
            if Self.serviceVariables.contains(name) || Self.secretVariables.contains(name) { return false }
            return keepingIdentity || !Self.identityVariables.contains(name)
        }
    }
}
