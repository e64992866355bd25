/// One browser profile, all settings decided: a user-data directory and a debugging endpoint of this instance.
package struct BrowserProfile: Sendable, Hashable {
    /// The profile that is always there.
    package static let standardName = "jarvis"

    /// Its name: `^[a-z0-9][a-z0-9-]*$`, at most 64 bytes.
    package var name: String
    /// How its browser comes to be.
    package var driver = BrowserSettings.Profile.Driver.jarvis
    /// Where its browser runs already; nil: we launch it.
    package var cdpUrl: CDPAddress?
    /// The port that the configuration pins (`cdpPort`, or the port of a `cdpUrl` on this host); nil: the leased one.
    package var pinnedPort: Int?
    /// Whether the debugging port of a browser that we launch is open.
    package var opensPort = false
    /// Its user-data directory, absolute; empty for a remote browser, whose place is not ours to know.
    package var userDataDir = ""
    /// Whether that directory is named by the configuration, so that it is not ours to move.
    package var hasOwnDirectory = false
    /// `#RRGGBB`.
    package var color = BrowserColor.palette[0]
    /// Whether it has no window.
    package var isHeadless = false
    /// Whether Chrome's sandbox is off.
    package var isUnsandboxed = false
    /// The browser's program; nil: detected.
    package var executablePath: String?
    /// Where the configuration names it.
    package var executablePlace = "browser.executablePath"
    /// Whether it is never launched.
    package var attachOnly = false
    /// Further flags for Chrome.
    package var extraArguments: [String] = []
    /// Whether certificates that nobody vouches for are accepted.
    package var ignoresCertificateErrors = false
    /// Whether others may use the same `cdpUrl`.
    package var isShared = false
    /// Whether requests that name no profile mean this one.
    package var isDefault = false
    /// Why it can't be used: it contradicts another profile of the configuration. Nil: it can.
    package var problem: String?

    /// A profile of which only the name is known.
    package init(name: String) { self.name = name }

    /// Whether its browser runs on another host: connected, never launched or ended.
    package var isRemote: Bool { cdpUrl.map { !$0.isLoopback } ?? false }
    /// Whether we may launch and end its browser.
    package var isManaged: Bool { driver == .jarvis && !isRemote && !attachOnly }

    /// Whether a browser that was started for this profile is as one started for `other` would be.
    func launchesLike(_ other: BrowserProfile) -> Bool {
        var (mine, theirs) = (self, other)
        (mine.color, theirs.color) = ("", "")
        (mine.isDefault, theirs.isDefault) = (false, false)
        (mine.problem, theirs.problem) = (nil, nil)
        return mine == theirs
    }

    /// Whether `name` may be the name of a profile.
    package static func isName(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        guard (1...64).contains(bytes.count), bytes[0] != UInt8(ascii: "-") else { return false }
        return bytes.allSatisfy { byte in
            (48...57).contains(byte) || (97...122).contains(byte) || byte == UInt8(ascii: "-")
        }
    }
}

extension BrowserSettings {
    /// Every profile, all settings decided: the standard one first unless the configuration has it elsewhere. Two that
    /// claim the same port, directory or (not marked `shared`) address both say so in `problem`.
    package func resolvedProfiles() -> [BrowserProfile] {
        var entries = profiles
        if !entries.contains(where: { $0.name == BrowserProfile.standardName }) {
            entries.insert(Profile(name: BrowserProfile.standardName), at: 0)
        }
        var colors = entries.compactMap(\.color) + [color]
        var resolved = entries.map { entry in
            var profile = BrowserProfile(name: entry.name)
            let isStandard = entry.name == BrowserProfile.standardName
            profile.driver = entry.driver
            profile.problem = entry.problem
            profile.cdpUrl = entry.cdpUrl ?? (isStandard && entry.cdpPort == nil ? cdpUrl : nil)
            profile.isDefault = entry.name == defaultProfile
            profile.isHeadless = entry.headless ?? isHeadless
            profile.isUnsandboxed = isUnsandboxed
            profile.executablePath = entry.executablePath ?? executablePath
            if entry.executablePath != nil { profile.executablePlace = "browser.profiles.\(entry.name).executablePath" }
            profile.attachOnly = entry.attachOnly ?? attachOnly
            profile.extraArguments = extraArguments
            profile.isShared = entry.isShared
            profile.ignoresCertificateErrors = entry.ignoresCertificateErrors ?? ignoresCertificateErrors
            profile.hasOwnDirectory = entry.userDataDir != nil
            if !profile.isRemote { profile.userDataDir = entry.userDataDir ?? directories.userData(entry.name) }
            profile.pinnedPort = entry.cdpPort ?? profile.cdpUrl.flatMap { $0.isLoopback ? $0.port : nil }
            profile.opensPort = (entry.cdp ?? channel) == .port || profile.pinnedPort != nil
            if let color = entry.color {
                profile.color = color
            } else {
                profile.color = isStandard ? color : BrowserColor.next(used: colors)
                colors.append(profile.color)
            }
            return profile
        }
        Self.findConflicts(&resolved)
        return resolved
    }

    private static func findConflicts(_ profiles: inout [BrowserProfile]) {
        func note(_ what: String, _ field: String, _ key: (BrowserProfile) -> String?) {
            let groups = Dictionary(grouping: profiles.indices) { key(profiles[$0]) }
            for (value, indices) in groups where indices.count > 1 {
                guard let value else { continue }
                let names = indices.map { "\"\(profiles[$0].name)\"" }.joined(separator: " and ")
                for index in indices where profiles[index].problem == nil {
                    profiles[index].problem =
                        "The browser profiles \(names) both have the \(what) \(value): change one of them, such as "
                        + "browser.profiles.\(profiles[indices[indices.count - 1]].name).\(field)."
                }
            }
        }
        note("debugging address", "cdpUrl") { $0.isShared ? nil : $0.cdpUrl?.endpoint }
        note("debugging port", "cdpPort") { $0.isShared ? nil : $0.pinnedPort.map(String.init) }
        note("user-data directory", "userDataDir") { $0.isShared || $0.userDataDir.isEmpty ? nil : $0.userDataDir }
    }
}
