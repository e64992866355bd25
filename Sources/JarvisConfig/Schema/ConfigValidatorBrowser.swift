import JarvisCore
import JarvisFormats

/// Rules over several keys of `browser`.
extension ConfigValidator {
    mutating func checkBrowser(_ tree: ConfigTree) {
        guard let browser = tree.child(.key("browser")),
            case .object(let profiles)? = browser.child(.key("profiles"))?.kind
        else { return }
        let entries = profiles.filter { $0.tree.isObject }
        for (name, profile) in entries {
            let path = ConfigPath("browser", "profiles", name)
            checkName(name, path)
            checkDriver(profile, path)
        }
        let names = entries.map(\.key) + ["jarvis"]
        if let wanted = browser.child(.key("defaultProfile"))?.scalar?.stringValue, !names.contains(wanted) {
            let known = names.joined(separator: ", ")
            note(
                ConfigPath("browser", "defaultProfile"), "there is no browser profile \"\(wanted)\", only \(known)",
                .warning)
        }
        checkTwice("cdpPort", "debugging port", entries) { $0.scalar?.intValue.map(String.init) }
        checkTwice("cdpUrl", "debugging address", entries) { $0.scalar?.stringValue.map(Self.endpoint) }
        checkTwice("userDataDir", "user-data directory", entries) { $0.scalar?.stringValue }
    }

    private mutating func checkName(_ name: String, _ path: ConfigPath) {
        let bytes = Array(name.utf8)
        let isPlain = bytes.allSatisfy { (48...57).contains($0) || (97...122).contains($0) || $0 == UInt8(ascii: "-") }
        if (1...64).contains(bytes.count), isPlain, bytes[0] != UInt8(ascii: "-") { return }
        note(
            path,
            "the name of a browser profile is at most 64 of a-z, 0-9 and -, and does not begin with -; the profile is"
                + " ignored", .error)
        reject(path)
    }

    private mutating func checkDriver(_ profile: ConfigTree, _ path: ConfigPath) {
        let driver = profile.child(.key("driver"))?.scalar?.stringValue
        let place = path.appending("driver")
        if driver == "extension" {
            replace(
                place,
                "there is no driver \"extension\"; \"existing-session\" takes over a browser that you started with"
                    + " --remote-debugging-port. The profile is ignored")
            reject(path)
        }
        if driver == "existing-session", profile.child(.key("userDataDir")) == nil, profile.child(.key("cdpUrl")) == nil
        {
            note(place, "\"existing-session\" needs userDataDir or cdpUrl beside it; the profile is ignored", .error)
            reject(path)
        }
        if profile.child(.key("cdpPort")) != nil, profile.child(.key("cdpUrl")) != nil {
            note(path.appending("cdpPort"), "has no effect beside cdpUrl", .warning)
        }
        guard let url = profile.child(.key("cdpUrl"))?.scalar?.stringValue else { return }
        let host = Self.endpoint(url)
        if ["0.0.0.0", "*", "[::]", "[::0]"].contains(where: { host == $0 || host.hasPrefix($0 + ":") }) {
            note(
                path.appending("cdpUrl"), "names every address instead of one; write 127.0.0.1. The profile is ignored",
                .error)
            reject(path)
        }
    }

    /// Two profiles with one value: which of them is right nobody can tell, so neither is used.
    private mutating func checkTwice(
        _ key: String, _ words: String, _ profiles: [(key: String, tree: ConfigTree)], _ read: (ConfigTree) -> String?
    ) {
        var seen: [String: String] = [:]
        for (name, profile) in profiles {
            guard let value = profile.child(.key(key)).flatMap(read) else { continue }
            if profile.child(.key("shared"))?.scalar == .bool(true) { continue }
            guard let first = seen[value] else {
                seen[value] = name
                continue
            }
            let hint = key == "cdpUrl" ? "; if that is meant, mark both with shared: true" : ""
            note(
                ConfigPath("browser", "profiles", name, key),
                "the browser profiles \"\(first)\" and \"\(name)\" have the same \(words), so neither can be used\(hint)",
                .error)
        }
    }

    /// Host and port of an address, without what may be a credential.
    private static func endpoint(_ url: String) -> String {
        let rest = url.split(separator: "://", maxSplits: 1, omittingEmptySubsequences: false).last ?? ""
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let host = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
        return host.lowercased()
    }
}
