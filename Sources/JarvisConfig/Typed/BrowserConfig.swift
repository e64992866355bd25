import JarvisCore

/// `browser`.
package struct BrowserConfig: Sendable {
    /// `browser.ssrfPolicy`.
    package struct Addresses: Sendable, Hashable {
        /// Whether this host and private networks may be opened. Default false.
        package let allowsPrivateNetwork: Bool
        /// Hosts that may be opened whatever their address.
        package let allowedHostnames: [String]
        /// When not empty, the only hosts that may be opened.
        package let hostnameAllowlist: [String]
    }

    /// An entry of `browser.profiles`; what is nil is as the section says.
    package struct Profile: Sendable {
        /// Its name.
        package let name: String
        /// `jarvis` (default) or `existing-session`.
        package let driver: String
        /// The debugging port that is pinned.
        package let cdpPort: Int?
        /// The debugging address of a browser that runs already; may hold credentials.
        package let cdpUrl: Secret?
        /// `#RRGGBB`, as the file spells it.
        package let color: String?
        /// Whether it has no window.
        package let headless: Bool?
        /// The browser's program, `~` not expanded.
        package let executablePath: String?
        /// Its user-data directory, `~` not expanded.
        package let userDataDir: String?
        /// Whether it is never launched.
        package let attachOnly: Bool?
        /// `pipe` or `port`.
        package let cdp: String?
        /// Whether certificates that nobody vouches for are accepted.
        package let ignoreHTTPSErrors: Bool?
        /// Whether others may have the same `cdpUrl`. Default false.
        package let shared: Bool

        init(_ name: String, _ reader: ConfigReader) {
            self.name = name
            driver = reader.string("driver", else: "jarvis")
            cdpPort = reader.int("cdpPort")
            cdpUrl = reader.secret("cdpUrl")
            color = reader.string("color")
            headless = reader.optionalFlag("headless")
            executablePath = reader.string("executablePath")
            userDataDir = reader.string("userDataDir")
            attachOnly = reader.optionalFlag("attachOnly")
            cdp = reader.string("cdp")
            ignoreHTTPSErrors = reader.optionalFlag("ignoreHTTPSErrors")
            shared = reader.flag("shared")
        }
    }

    /// Whether there is a browser at all. Default true.
    package let enabled: Bool
    /// Whether callers may run scripts in pages. Default true.
    package let evaluateEnabled: Bool
    /// The profile of a request that names none. Default `jarvis`.
    package let defaultProfile: String
    /// `pipe` (default) or `port`.
    package let cdp: String
    /// The debugging address of a browser that runs already; may hold credentials.
    package let cdpUrl: Secret?
    /// How long a remote browser may take to answer, in milliseconds. Default 1500.
    package let remoteCdpTimeoutMs: Int
    /// How long its WebSocket may take to open, in milliseconds. Default twice the other, at least 2000.
    package let remoteCdpHandshakeTimeoutMs: Int
    /// The colour of the default profile, as the file spells it. Default `#FF4500`.
    package let color: String
    /// The browser's program, `~` not expanded; nil: detected.
    package let executablePath: String?
    /// Whether browsers have no window. Default false.
    package let headless: Bool
    /// Whether Chrome's sandbox is off. Default false.
    package let noSandbox: Bool
    /// Whether no browser is ever launched. Default false.
    package let attachOnly: Bool
    /// Further flags for Chrome.
    package let extraArgs: [String]
    /// Whether snapshots are short unless asked otherwise. Default false.
    package let snapshotsAreEfficient: Bool
    /// Whether certificates that nobody vouches for are accepted. Default false.
    package let ignoreHTTPSErrors: Bool
    /// Which addresses may be opened.
    package let addresses: Addresses
    /// The profiles in the order of the file.
    package let profiles: [Profile]

    init(_ reader: ConfigReader) {
        enabled = reader.flag("enabled")
        evaluateEnabled = reader.flag("evaluateEnabled")
        defaultProfile = reader.string("defaultProfile", else: "jarvis")
        cdp = reader.string("cdp", else: "pipe")
        cdpUrl = reader.secret("cdpUrl")
        remoteCdpTimeoutMs = reader.int("remoteCdpTimeoutMs", else: 1500)
        remoteCdpHandshakeTimeoutMs =
            reader.int("remoteCdpHandshakeTimeoutMs") ?? max(2000, 2 * reader.int("remoteCdpTimeoutMs", else: 1500))
        color = reader.string("color", else: "#FF4500")
        executablePath = reader.string("executablePath")
        headless = reader.flag("headless")
        noSandbox = reader.flag("noSandbox")
        attachOnly = reader.flag("attachOnly")
        extraArgs = reader.strings("extraArgs")
        snapshotsAreEfficient = reader.string("snapshotDefaults.mode") == "efficient"
        ignoreHTTPSErrors = reader.flag("ignoreHTTPSErrors")
        addresses = Addresses(
            allowsPrivateNetwork: reader.flag("ssrfPolicy.dangerouslyAllowPrivateNetwork")
                || reader.flag("ssrfPolicy.allowPrivateNetwork"),
            allowedHostnames: reader.strings("ssrfPolicy.allowedHostnames"),
            hostnameAllowlist: reader.strings("ssrfPolicy.hostnameAllowlist"))
        profiles = reader.map("profiles").map { Profile($0, $1) }
    }
}
