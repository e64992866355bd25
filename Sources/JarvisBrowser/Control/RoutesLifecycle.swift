import JarvisCore

extension BrowserRoutes {
    static let lifecycle: [BrowserRoute] = [
        BrowserRoute("GET", "/", "How the browser of a profile does.", worksWhenDisabled: true) { call in
            try await call.control.status(call.profile)
        },
        BrowserRoute("POST", "/start", "Starts the browser of a profile, or connects to it.") { call in
            try await call.control.start(call.profile)
            return ["ok": true, "profile": .string(call.profile.name)]
        },
        BrowserRoute("POST", "/stop", "Stops it, or lets go of one that is not ours.", worksWhenDisabled: true) {
            call in
            let stopped = await call.control.stop(call.profile.name)
            return ["ok": true, "stopped": .bool(stopped), "profile": .string(call.profile.name)]
        },
        BrowserRoute("POST", "/reset-profile", "Stops it and moves its user data to the trash.") { call in
            try await call.control.reset(call.profile)
        },
    ]
}

extension BrowserControl {
    /// The body of `GET /`.
    func status(_ profile: BrowserProfile) async throws -> JSONValue {
        let life = life(profile.name)
        var running: OpenBrowser?
        if case .running(let browser) = life { running = browser }
        var reason: String?
        if case .stopped(let why) = life { reason = why }
        let detected = await detect(profile)
        let isReady = running?.session.connection.isOpen ?? false
        var body: JSONObject = [
            "enabled": .bool(settings.isEnabled), "profile": .string(profile.name), "running": .bool(running != nil),
            "state": .string(life.word), "reason": JSONValue(reason ?? profile.problem),
            "driver": .string(profile.driver.rawValue), "cdpReady": .bool(isReady),
            "cdpHttp": .bool(running?.port != nil), "pid": running?.pid.map { JSONValue(Int($0)) } ?? .null,
        ]
        body["cdpPort"] = await leasedPort(profile).map { JSONValue($0) } ?? .null
        body["cdpUrl"] = JSONValue(shownAddress(profile, running))
        body["chosenBrowser"] = running == nil ? .null : JSONValue(detected.program?.kind.rawValue)
        body["version"] = JSONValue(running?.product)
        body["detectedBrowser"] = JSONValue(detected.program?.kind.rawValue)
        body["detectedExecutablePath"] = JSONValue(detected.program?.path)
        body["detectError"] = JSONValue(detected.error)
        body["userDataDir"] = profile.userDataDir.isEmpty ? .null : .string(profile.userDataDir)
        body["color"] = .string(profile.color)
        // Without a display a browser of ours has no window whatever the configuration says.
        let hasWindow = !profile.isManaged || LaunchPlan.hasDisplay(host.environment)
        body["headless"] = .bool(profile.isHeadless || !hasWindow)
        body["noSandbox"] = .bool(profile.isUnsandboxed)
        body["executablePath"] = JSONValue(profile.executablePath)
        body["attachOnly"] = .bool(profile.attachOnly)
        let isAttached = running.map { $0.executable == nil } ?? !profile.isManaged
        body["policyGap"] = isAttached ? .string(AttachedPolicy.gap) : .null
        return .object(body)
    }

    /// The program that a start would take, or why there is none; neither for a profile that is not launched.
    private func detect(_ profile: BrowserProfile) async -> (program: BrowserProgram?, error: String?) {
        guard profile.isManaged else { return (nil, nil) }
        let environment = host.environment
        do {
            let program = try await offPool {
                try BrowserDetection.find(
                    profile.executablePath, place: profile.executablePlace, environment: environment)
            }
            return (program, nil)
        } catch {
            return (nil, "\(error)")
        }
    }

    /// Where other programs may connect; nil while no port is open. Without credentials.
    func shownAddress(_ profile: BrowserProfile, _ running: OpenBrowser?) -> String? {
        if let port = running?.port { return "http://127.0.0.1:\(port)" }
        return profile.cdpUrl?.shown
    }

    /// The debugging port of a profile; nil for a remote one, or when none can be had.
    func leasedPort(_ profile: BrowserProfile) async -> Int? {
        if case .running(let browser) = life(profile.name), let port = browser.port { return port }
        if profile.isRemote { return nil }
        if let pinned = profile.pinnedPort { return pinned }
        guard profile.isManaged, settings.isEnabled else { return nil }
        // A report, no start: who asks learns of a full range when the browser is started.
        return try? await host.leasePort(profile.name, nil, false)  // see above
    }

    /// `POST /reset-profile`.
    func reset(_ profile: BrowserProfile) async throws -> JSONValue {
        guard profile.isManaged else {
            throw BrowserError(
                400, "not_managed",
                "The browser of profile \"\(profile.name)\" is not ours, so its user data stay where they are.")
        }
        let host = host
        let moved = try await stopped(profile.name) {
            try await host.moveToTrash(profile.name, profile.userDataDir)
        }
        var body: JSONObject = [
            "ok": true, "profile": .string(profile.name), "moved": .bool(moved != nil),
            "from": .string(profile.userDataDir),
        ]
        if let moved { body["to"] = .string(moved) }
        return .object(body)
    }
}
