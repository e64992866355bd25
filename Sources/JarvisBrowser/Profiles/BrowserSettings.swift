/// What the configuration says about browsers, as a plain value: the section `browser`, defaults filled in.
package struct BrowserSettings: Sendable, Hashable {
    /// How a browser that we launch is spoken to.
    package enum Channel: String, Sendable, Hashable {
        /// Over its debugging pipe; no port is open.
        case pipe
        /// Over its pipe, with its debugging port open besides, so that other programs can connect.
        case port
    }

    /// Which addresses may be opened (`browser.ssrfPolicy`).
    package struct AddressRules: Sendable, Hashable {
        /// Private networks and this host may be opened. Default false.
        package var allowsPrivateNetwork = false
        /// Hosts that may be opened whatever their address. Default none.
        package var allowedHostnames: [String] = []
        /// When not empty, no other host may be opened. Default empty.
        package var hostnameAllowlist: [String] = []

        /// The default rules: the public internet.
        package init() {}
    }

    /// Where files lie; absolute paths.
    package struct Directories: Sendable, Hashable {
        /// `<state>/browser`: a directory for each profile.
        package var root: String
        /// Screenshots, PDFs and traces.
        package var artifacts: String
        /// Downloads.
        package var downloads: String
        /// Where files must lie to be uploaded: the instance's upload directory first, then the agents' workspaces.
        package var uploads: [String]

        /// The directories below `root`.
        package init(root: String, workspaces: [String] = []) {
            self.root = root
            artifacts = "\(root)/artifacts"
            downloads = "\(root)/downloads"
            uploads = ["\(root)/uploads"] + workspaces
        }

        /// Where the user data of the profile `name` lie unless the configuration says otherwise.
        package func userData(_ name: String) -> String { "\(root)/\(name)/user-data" }
    }

    /// One entry of `browser.profiles`. What is nil is as the section says.
    package struct Profile: Sendable, Hashable {
        /// How the browser of a profile comes to be.
        package enum Driver: String, Sendable, Hashable {
            /// We launch it, or connect to `cdpUrl`.
            case jarvis
            /// It runs already, with a user-data directory that is not ours; never launched or ended.
            case existingSession = "existing-session"
        }

        /// Its name.
        package var name: String
        /// Default `jarvis`.
        package var driver = Driver.jarvis
        /// The debugging port that is pinned for it, which is opened.
        package var cdpPort: Int?
        /// The debugging address of a browser that runs already.
        package var cdpUrl: CDPAddress?
        /// The same as it is written into the configuration; may hold credentials. Set for a new entry only.
        package var cdpUrlText: String?
        /// Why it can't be used, such as an address that can't be read. Nil: it can.
        package var problem: String?
        /// `#RRGGBB`.
        package var color: String?
        /// Whether it has no window.
        package var headless: Bool?
        /// The browser's program.
        package var executablePath: String?
        /// Its user-data directory, absolute.
        package var userDataDir: String?
        /// Whether it is never launched.
        package var attachOnly: Bool?
        /// How it is spoken to.
        package var cdp: Channel?
        /// Whether certificates that nobody vouches for are accepted.
        package var ignoresCertificateErrors: Bool?
        /// Whether the same `cdpUrl` may stand in another profile or instance too.
        package var isShared = false

        /// An entry that says nothing.
        package init(name: String) { self.name = name }
    }

    /// Whether there is a browser at all. Default true.
    package var isEnabled = true
    /// Whether callers may run scripts in pages. Default true.
    package var mayEvaluate = true
    /// The profile of a request that names none. Default `jarvis`.
    package var defaultProfile = BrowserProfile.standardName
    /// The older spelling of the address for a single profile.
    package var cdpUrl: CDPAddress?
    /// The browser's program; nil: detected.
    package var executablePath: String?
    /// Whether browsers have no window. Default false; without a display it is true all the same.
    package var isHeadless = false
    /// Whether Chrome's sandbox is off. Default false.
    package var isUnsandboxed = false
    /// Whether no browser is ever launched. Default false.
    package var attachOnly = false
    /// Further flags for Chrome.
    package var extraArguments: [String] = []
    /// The colour of the default profile, `#RRGGBB`.
    package var color = BrowserColor.palette[0]
    /// How long a remote browser may take to answer over HTTP. Default 1500 ms.
    package var remoteTimeout = Duration.milliseconds(1500)
    /// How long a remote browser may take to open the WebSocket. Default twice `remoteTimeout`, at least 2 s.
    package var remoteHandshakeTimeout = Duration.milliseconds(3000)
    /// Default `pipe`.
    package var channel = Channel.pipe
    /// Whether snapshots are short unless asked otherwise (`browser.snapshotDefaults.mode: "efficient"`).
    package var snapshotsAreEfficient = false
    /// Whether certificates that nobody vouches for are accepted. Default false.
    package var ignoresCertificateErrors = false
    /// Which addresses may be opened.
    package var addresses = AddressRules()
    /// The profiles that the configuration names, in its order.
    package var profiles: [Profile] = []
    /// Where files lie.
    package var directories: Directories

    /// Defaults.
    package init(directories: Directories) { self.directories = directories }
}
