import JarvisCore

/// Whether a browser that runs on this host may be connected to, by what the kernel says about who listens. Pure.
struct AttachJudge: Sendable {
    /// Where it listens, for messages.
    var place: String
    /// This instance.
    var instanceId: String
    /// The user-data directory that it must run on; nil when the configuration names an address instead.
    var directory: String?
    /// Whether the address carries user, password or a query.
    var hasCredentials: Bool
    /// The user of this process.
    var userId: UInt32
    /// The other gateway that an instance id belongs to, in words.
    var instanceTitles: [String: String] = [:]
    /// The other gateway that a user-data directory belongs to, in words.
    var directoryTitles: [String: String] = [:]

    /// Judges everybody who listens there.
    ///
    /// - Throws: `BrowserError` 409 `foreign_browser`, naming the owner; 500 `endpoint_failed` when nobody is there.
    func judge(_ owners: [BrowserOwner]) throws(BrowserError) {
        guard !owners.isEmpty else {
            throw BrowserError(
                500, "endpoint_failed",
                "Nobody listens on \(place). Start the browser with its debugging port open there.")
        }
        for owner in owners { try judge(owner) }
    }

    private func judge(_ owner: BrowserOwner) throws(BrowserError) {
        if let id = owner.instanceId, id != instanceId {
            throw refusal(owner, "it belongs to \(instanceTitles[id] ?? "another gateway of this host")")
        }
        if let used = owner.userDataDir, let title = directoryTitles[used] {
            throw refusal(owner, "its user-data directory belongs to \(title)")
        }
        if let directory {
            // A browser on its usual directory has none on its command line; only the one that was asked for may be there.
            guard let used = owner.userDataDir, UserDataClaim.same(used, directory) else {
                throw refusal(owner, "the profile's browser runs on \(directory)")
            }
            guard owner.userId == userId else { throw refusal(owner, "it runs as another user") }
            return
        }
        if owner.isBrowser, owner.userId == userId || owner.userId == 0 { return }
        if isTunnel(owner) { return }
        guard owner.userId == userId else { throw refusal(owner, "it runs as another user") }
        throw refusal(
            owner,
            hasCredentials
                ? "it is no browser, and the address's credentials are for a browser only" : "it is no browser")
    }

    /// Whether it forwards to a browser elsewhere: then the configured address is all the proof there can be. Root may
    /// do so with anything; others with a program that root installed.
    private func isTunnel(_ owner: BrowserOwner) -> Bool {
        if owner.userId == 0, userId != 0 { return true }
        return owner.userId == userId && owner.isSystemProgram && Self.tunnels.contains(owner.program)
    }

    private static let tunnels: Set<String> = [
        "ssh", "autossh", "docker-proxy", "rootlesskit", "rootlessport", "slirp4netns", "pasta", "passt", "passt.avx2",
        "gvproxy", "conmon", "socat", "kubectl", "haproxy", "nginx", "caddy", "stunnel", "stunnel4", "adb",
        "cloudflared", "tailscaled",
    ]

    private func refusal(_ owner: BrowserOwner, _ why: String) -> BrowserError {
        BrowserError(
            409, "foreign_browser",
            "\(place) is held by \(owner), which is not used: \(why). Nothing was sent to it. Give the profile another "
                + "port or address: \(CommandWords.current.config("get browser.profiles"))")
    }
}
