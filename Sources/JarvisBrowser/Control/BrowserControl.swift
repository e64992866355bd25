import JarvisCore
import Synchronization

/// The browsers of one instance: starts and stops them, and answers every request of the control service.
package actor BrowserControl {
    /// What the configuration says at present.
    package private(set) var settings: BrowserSettings
    let host: BrowserHost
    private let opener: BrowserOpener
    private var lives: [String: BrowserLife] = [:] { didSet { publish() } }
    private let board = Mutex<[BrowserGlance]>([])
    /// Whether it has been shut down for good.
    private var isClosed = false
    /// Names of profiles that are being made.
    private var reserved: Set<String> = []

    /// A service. Nothing is started and nothing looked for.
    package init(settings: BrowserSettings, host: BrowserHost, opener: @escaping BrowserOpener) {
        self.settings = settings
        self.host = host
        self.opener = opener
    }

    // MARK: Requests

    /// Answers a request. Never throws: what went wrong is in the reply.
    package func handle(_ request: BrowserRequest) async -> BrowserReply {
        do {
            guard let (route, parameters) = BrowserRoutes.find(request.method, request.path) else {
                throw BrowserError(404, "unknown_route", "There is no \(request.method) \(request.path).")
            }
            let profile = try profile(named: try Self.profileName(of: request))
            var words = CommandWords()
            words.gateway = host.command
            words.browserProfile = profile.isDefault ? nil : profile.name
            return try await CommandWords.$current.withValue(words) {
                if !settings.isEnabled, !route.worksWhenDisabled { throw Self.disabled }
                if isClosed { throw Self.closed }
                let call = BrowserCall(request: request, parameters: parameters, control: self, profile: profile)
                do {
                    return BrowserReply(body: try await route.run(call))
                } catch let failure as CDPFailure {
                    throw BrowserError(failure)
                }
            }
        } catch let error as BrowserError {
            return BrowserReply(error)
        } catch is CancellationError {
            return BrowserReply(BrowserError(408, "cancelled", "The request was cancelled."))
        } catch {
            return BrowserReply(BrowserError(500, "failed", "The browser failed: \(error)"))
        }
    }

    private static func profileName(of request: BrowserRequest) throws -> String? {
        guard let value = request.body["profile"], value != .null else { return request.query["profile"] }
        guard let name = value.stringValue else {
            throw BrowserError(400, "invalid_profile", "profile must be the name of a browser profile, as text.")
        }
        return name
    }

    private static var disabled: BrowserError {
        BrowserError(
            403, "disabled",
            "The browser is turned off (browser.enabled is false). Turn it on: "
                + CommandWords.current.config("set browser.enabled true"))
    }
    private static let closed = BrowserError(409, "stopping", "The gateway is stopping; ask again when it runs.")

    // MARK: Profiles

    /// Every profile, the default one marked.
    package var profiles: [BrowserProfile] { settings.resolvedProfiles() }

    /// The profile `name`, or the default one.
    ///
    /// - Throws: `BrowserError` 404 `unknown_profile`, naming those that there are.
    package func profile(named name: String?) throws -> BrowserProfile {
        let wanted = name.flatMap { $0.isEmpty ? nil : $0 } ?? settings.defaultProfile
        let all = profiles
        if let found = all.first(where: { $0.name == wanted }) { return found }
        let names = all.map(\.name).joined(separator: ", ")
        throw BrowserError(
            404, "unknown_profile", "There is no browser profile \"\(wanted.prefix(80))\". Available: \(names).")
    }

    // MARK: States

    /// What was started and how it does, by name; without waiting for anybody.
    package nonisolated var glances: [BrowserGlance] { board.withLock { $0 } }

    private func publish() {
        let glances = lives.map { BrowserGlance(name: $0, life: $1) }.sorted { $0.profile < $1.profile }
        board.withLock { $0 = glances }
    }

    /// What the browser of a profile does now.
    package func life(_ profile: String) -> BrowserLife { lives[profile] ?? .stopped(reason: nil) }

    /// The connected browser of a profile.
    ///
    /// - Parameter starting: start it when it does not run.
    /// - Throws: `BrowserError` 409 `not_running` with the command that starts it; what a start throws.
    func session(_ profile: BrowserProfile, starting: Bool) async throws -> BrowserSession {
        if case .running(let browser) = life(profile.name), browser.session.connection.isOpen { return browser.session }
        guard starting else { throw notRunning(profile) }
        return try await start(profile).session
    }

    private func notRunning(_ profile: BrowserProfile) -> BrowserError {
        var why = ""
        if case .stopped(let reason?) = life(profile.name) { why = " (\(reason))" }
        return BrowserError(
            409, "not_running",
            "The browser of profile \"\(profile.name)\" does not run\(why). Start it: "
                + CommandWords.current.browser("start"))
    }

    /// The browser of a profile, started when it does not run. Who comes while it starts waits for the same start.
    ///
    /// - Throws: `BrowserError`.
    @discardableResult
    package func start(_ profile: BrowserProfile) async throws -> OpenBrowser {
        if let problem = profile.problem {
            throw BrowserError(
                409, "profile_conflict",
                "\(problem) What they are now: \(CommandWords.current.config("get browser.profiles"))")
        }
        while true {
            if isClosed { throw Self.closed }
            switch life(profile.name) {
            case .running(let browser):
                if browser.session.connection.isOpen { return browser }
                await stop(profile.name)
            case .starting(let start): return try await start.task.value
            case .stopping(let task, let reason): await end(of: task, profile.name, reason)
            case .stopped: begin(profile)
            }
        }
    }

    private func begin(_ profile: BrowserProfile) {
        let start = BrowserStart(profile, settings, host, opener)
        lives[profile.name] = .starting(start)
        // unstructured: the start is shared by everybody who waits for it, and outlives those who give up
        Task {
            let result = await start.task.result
            finish(profile.name, start, result)
        }
    }

    private func finish(_ name: String, _ start: BrowserStart, _ result: Result<OpenBrowser, any Error>) {
        guard case .starting(let current) = life(name), current === start else { return }
        switch result {
        case .failure(let error):
            let why = "\(error)"
            let sentence = why.hasSuffix(".") ? String(why.dropLast()) : why
            lives[name] = .stopped(reason: "its last start failed: \(sentence)")
            host.logger.warning("browser not started", metadata: ["profile": "\(name)", "error": "\(error)"])
        case .success(let browser):
            lives[name] = .running(browser)
            host.started()
            host.logger.notice(
                "browser started",
                metadata: [
                    "profile": "\(name)", "pid": "\(browser.pid.map(String.init) ?? "-")",
                    "port": "\(browser.port.map(String.init) ?? "-")",
                ])
            browser.session.connection.onClose { [weak self] reason in
                // unstructured: the end of a browser has nobody who waits
                Task { await self?.lost(name, browser, reason) }
            }
        }
    }

    /// The connection to a browser ended without having been asked to.
    private func lost(_ name: String, _ browser: OpenBrowser, _ reason: String) async {
        guard case .running(let current) = life(name), current.session === browser.session else { return }
        host.logger.warning("browser lost", metadata: ["profile": "\(name)", "why": "\(reason)"])
        await stop(name, reason: "it ended: \(reason)")
    }

    /// Stops the browser of a profile, or lets go of one that is not ours.
    ///
    /// - Returns: whether there was one.
    @discardableResult
    package func stop(_ name: String, reason: String? = nil) async -> Bool {
        switch life(name) {
        case .stopped: return false
        case .stopping(let task, let reason):
            await end(of: task, name, reason)
            return true
        case .starting(let start):
            // unstructured: must end also when who asked has gone
            let task = Task {
                start.task.cancel()
                if case .success(let browser) = await start.task.result { await browser.stop() }
            }
            await settle(name, task, reason: reason)
            return true
        case .running(let browser):
            // unstructured: must end also when who asked has gone
            let task = Task { await browser.stop() }
            await settle(name, task, reason: reason)
            return true
        }
    }

    private func settle(_ name: String, _ task: Task<Void, Never>, reason: String?) async {
        lives[name] = .stopping(task, reason: reason)
        await end(of: task, name, reason)
    }

    // Whoever waits notes the end. Left to the one who asked for it, a loop of another that waits again and again for a
    // task that is over would never let that one have its turn.
    private func end(of task: Task<Void, Never>, _ name: String, _ reason: String?) async {
        await task.value
        if case .stopping(let current, _) = life(name), current == task { lives[name] = .stopped(reason: reason) }
    }

    // MARK: Changes of the configuration

    /// Sets a name aside for a profile that is being made; false when somebody else is making it.
    func reserve(_ name: String) -> Bool { reserved.insert(name).inserted }

    /// Gives the name free.
    func unreserve(_ name: String) { reserved.remove(name) }

    /// Knows a new profile at once, before the configuration is read again.
    func adopt(_ entry: BrowserSettings.Profile) {
        if !settings.profiles.contains(where: { $0.name == entry.name }) { settings.profiles.append(entry) }
    }

    /// Forgets a profile. A browser that somebody has started on it meanwhile is stopped.
    func forget(_ name: String) async {
        settings.profiles.removeAll { $0.name == name }
        while await stop(name) {}
        lives[name] = nil
    }

    /// Stops the browser of a profile and does `work` before it can be started again.
    func stopped<T: Sendable>(_ name: String, _ work: @escaping @Sendable () async throws -> T) async throws -> T {
        while await stop(name) {}
        // unstructured: who wants to start the browser waits for it
        let task = Task { try await work() }
        await settle(name, Task { _ = await task.result }, reason: nil)  // unstructured: the same, without its result
        return try await task.value
    }

    // MARK: The whole

    /// Puts changed settings in force: rules of addresses and scripts at once, everything else when a browser starts the
    /// next time. A browser whose profile is gone is stopped.
    ///
    /// - Returns: the profiles whose running browser has settings that only a new start changes.
    @discardableResult
    package func apply(_ settings: BrowserSettings) async -> [String] {
        let before = Dictionary(uniqueKeysWithValues: profiles.map { ($0.name, $0) })
        self.settings = settings
        let after = Dictionary(uniqueKeysWithValues: profiles.map { ($0.name, $0) })
        var outdated: [String] = []
        for (name, life) in lives {
            guard settings.isEnabled, let profile = after[name] else {
                await stop(name, reason: settings.isEnabled ? "its profile was removed" : "the browser was turned off")
                continue
            }
            guard case .running(let browser) = life else { continue }
            browser.adopt(settings, profile)
            if let old = before[name], !old.launchesLike(profile) { outdated.append(name) }
        }
        return outdated.sorted()
    }

    /// Stops every browser; nothing can be started any more.
    package func shutdown() async {
        isClosed = true
        let names = lives.keys.sorted()
        await withTaskGroup(of: Void.self) { group in
            for name in names { group.addTask { await self.stop(name) } }
        }
    }
}
