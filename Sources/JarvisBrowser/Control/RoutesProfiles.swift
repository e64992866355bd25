import JarvisCore

extension BrowserRoutes {
    static let profiles: [BrowserRoute] = [
        BrowserRoute("GET", "/profiles", "All browser profiles.", worksWhenDisabled: true) { call in
            await call.control.profileList()
        },
        BrowserRoute("POST", "/profiles/create", "Makes a profile and writes it into the configuration.") { call in
            try await call.control.create(NewProfile(call.request.body))
        },
        BrowserRoute("DELETE", "/profiles/:name", "Stops a profile and takes it out of the configuration.") { call in
            try await call.control.delete(call.parameters["name"] ?? "")
        },
    ]
}

/// The body of `POST /profiles/create`, checked.
struct NewProfile: Sendable {
    var entry: BrowserSettings.Profile

    /// - Throws: `BrowserError` 400 naming the member.
    init(_ body: JSONValue) throws {
        guard let name = try Self.text(body, "name") else {
            throw BrowserError(
                400, "invalid_name", "name is missing: what the browser profile is called, such as work.")
        }
        guard BrowserProfile.isName(name) else {
            throw BrowserError(
                400, "invalid_name",
                "\"\(name.prefix(80))\" can't be the name of a browser profile: at most 64 of a-z, 0-9 and -, not"
                    + " beginning with -.")
        }
        guard !["artifacts", "downloads", "uploads"].contains(name) else {
            throw BrowserError(400, "invalid_name", "\"\(name)\" is a directory of the browser's files; take another.")
        }
        entry = BrowserSettings.Profile(name: name)
        if let color = try Self.text(body, "color") {
            guard let normal = BrowserColor.normalized(color) else {
                throw BrowserError(400, "invalid_color", "\"\(color.prefix(40))\" is no colour; write #RRGGBB.")
            }
            entry.color = normal
        }
        if let driver = try Self.text(body, "driver") {
            guard let known = BrowserSettings.Profile.Driver(rawValue: driver) else {
                let hint = driver == "extension" ? " An open browser is taken over with \"existing-session\"." : ""
                throw BrowserError(
                    400, "invalid_driver",
                    "There is no driver \"\(driver.prefix(40))\", only \"jarvis\" and \"existing-session\".\(hint)")
            }
            entry.driver = known
        }
        if let url = try Self.text(body, "cdpUrl") {
            do {
                entry.cdpUrl = try CDPAddress(url)
            } catch {
                throw BrowserError(400, "invalid_cdp_url", error.message)
            }
            entry.cdpUrlText = url
        }
        if let directory = try Self.text(body, "userDataDir") {
            guard directory.hasPrefix("/") else {
                throw BrowserError(400, "invalid_directory", "userDataDir must be an absolute path.")
            }
            entry.userDataDir = directory
        }
        if entry.driver == .existingSession, entry.cdpUrl == nil, entry.userDataDir == nil {
            throw BrowserError(
                400, "incomplete", "The driver \"existing-session\" needs cdpUrl or userDataDir of the open browser.")
        }
    }

    private static func text(_ body: JSONValue, _ name: String) throws -> String? {
        guard let value = body[name], value != .null else { return nil }
        guard let text = value.stringValue else {
            throw BrowserError(400, "invalid_body", "\(name) must be text, found \(value.kindName).")
        }
        return text.isEmpty ? nil : text
    }
}

extension BrowserControl {
    /// The body of `GET /profiles`.
    func profileList() async -> JSONValue {
        var rows: [JSONValue] = []
        for profile in profiles {
            var running: OpenBrowser?
            var reason: String?
            switch life(profile.name) {
            case .running(let browser): running = browser
            case .stopped(let why): reason = why
            case .starting, .stopping: break
            }
            let port = await leasedPort(profile)
            rows.append([
                "name": .string(profile.name), "cdpPort": port.map { JSONValue($0) } ?? .null,
                "cdpUrl": JSONValue(shownAddress(profile, running)), "color": .string(profile.color),
                "running": .bool(running != nil), "state": .string(life(profile.name).word),
                "tabCount": JSONValue(await running?.countTabs() ?? 0), "isDefault": .bool(profile.isDefault),
                "isRemote": .bool(profile.isRemote), "driver": .string(profile.driver.rawValue),
                "reason": JSONValue(reason), "problem": JSONValue(profile.problem),
            ])
        }
        return ["enabled": .bool(settings.isEnabled), "profiles": .array(rows)]
    }

    /// `POST /profiles/create`.
    func create(_ new: NewProfile) async throws -> JSONValue {
        var entry = new.entry
        let known = profiles
        guard !known.contains(where: { $0.name == entry.name }), reserve(entry.name) else {
            throw BrowserError(409, "name_taken", "There is a browser profile \"\(entry.name)\" already.")
        }
        defer { unreserve(entry.name) }
        if let url = entry.cdpUrl,
            let other = known.first(where: { $0.cdpUrl?.endpoint == url.endpoint })
        {
            throw BrowserError(
                409, "address_taken",
                "The browser profile \"\(other.name)\" has the address \(url.shown) already. If both are meant to drive"
                    + " it, mark both with shared: true in the configuration.")
        }
        entry.color = entry.color ?? BrowserColor.next(used: known.map(\.color))
        // The port first: when none is left, nothing has been written.
        let isLocal = entry.cdpUrl == nil && entry.driver == .jarvis
        let port = isLocal ? try await host.leasePort(entry.name, nil, false) : entry.cdpUrl?.port
        do {
            try await host.saveProfile(entry)
        } catch {
            if isLocal { await host.releasePort(entry.name) }
            throw error
        }
        adopt(entry)
        return [
            "ok": true, "profile": .string(entry.name), "cdpPort": port.map { JSONValue($0) } ?? .null,
            "cdpUrl": JSONValue(entry.cdpUrl?.shown), "color": JSONValue(entry.color),
            "isRemote": .bool(entry.cdpUrl.map { !$0.isLoopback } ?? false),
        ]
    }

    /// `DELETE /profiles/:name`.
    func delete(_ name: String) async throws -> JSONValue {
        let profile = try profile(named: name)
        guard !profile.isDefault else {
            throw BrowserError(
                400, "default_profile",
                "\"\(name)\" is the default browser profile. Make another the default first: "
                    + CommandWords.current.config("set browser.defaultProfile <name>"))
        }
        guard settings.profiles.contains(where: { $0.name == name }) else {
            throw BrowserError(
                400, "standard_profile", "The browser profile \"\(name)\" is always there; reset-profile empties it.")
        }
        await stop(name)
        try await host.removeProfile(name)
        await forget(name)
        await host.releasePort(name)
        if let url = profile.cdpUrl, profile.isRemote { await host.releaseEndpoint(url.endpoint) }
        if !profile.userDataDir.isEmpty { await host.releaseDirectory(profile.userDataDir) }
        var moved: String?
        if profile.isManaged, !profile.hasOwnDirectory {
            moved = try await host.moveToTrash(name, profile.userDataDir)
        }
        return ["ok": true, "profile": .string(name), "deleted": .bool(true), "to": JSONValue(moved)]
    }
}

extension OpenBrowser {
    /// How many tabs are open; 0 when it does not say in a second.
    func countTabs() async -> Int {
        do throws(CDPFailure) {
            let answer = try await session.connection.send("Target.getTargets", timeout: .seconds(1))
            return answer["targetInfos"]?.arrayValue?.count { $0["type"]?.stringValue == "page" } ?? 0
        } catch {
            return 0
        }
    }
}
