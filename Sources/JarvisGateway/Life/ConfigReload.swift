import JarvisConfig
import JarvisCore

/// What a changed configuration does to the running gateway.
extension Gateway {
    /// Puts `snapshot` in force. Models, agents, tools, sessions and messages apply from the next run on; the shared
    /// secret and the limits at once; what only a restart can change asks for one, as `gateway.reload.mode` says.
    func adopt(_ snapshot: ConfigSnapshot, restartDelayMs: Int = 300) {
        guard snapshot.fingerprint != config.fingerprint else { return }
        for secret in snapshot.secrets.values { redactor.register(secret.reveal()) }
        guard snapshot.isUsable else {
            logger.error(
                "changed configuration can't be read; the running one stays",
                metadata: [
                    "path": "\(snapshot.path)", "problem": "\(snapshot.errors.first?.description ?? "unreadable")",
                ])
            return
        }
        let mode = config.config.gateway.reload.mode
        let changed = snapshot.changedPaths(since: config)
        config = snapshot
        healthCache = nil
        for issue in snapshot.errors {
            logger.warning("configuration problem", metadata: ["path": "\(issue.path)", "problem": "\(issue.message)"])
        }
        origins.allowedOrigins = snapshot.config.gateway.controlUi.allowedOrigins
        rateLimiter.limits = AuthRateLimiter.Limits(snapshot.config.gateway.auth.rateLimit)
        let liveKeys: [ConfigPath] = [ConfigPath("gateway", "auth"), ConfigPath("gateway", "controlUi")]
        if changed.contains(where: { $0.hasPrefix(liveKeys[0]) }) { adoptAuth(snapshot) }
        if changed.contains(where: { Self.concernsBrowsers($0) }) {
            // unstructured: a browser whose profile is gone takes a moment to end
            Task { await adoptBrowser(snapshot) }
        }
        let plan = ConfigReloadPlan(changedPaths: changed.filter { path in !liveKeys.contains { path.hasPrefix($0) } })
        let needsRestart = plan.action == .restart
        for path in plan.restart.map(\.description) where !restartPending.contains(path) { restartPending.append(path) }
        logger.notice(
            "configuration changed",
            metadata: [
                "paths": "\(changed.prefix(8).map(\.description).joined(separator: ", "))",
                "restart": "\(needsRestart)",
            ])
        broadcast(
            "config.changed",
            [
                "hash": JSONValue(snapshot.hash), "paths": JSONValue(changed.map(\.description)),
                "restartRequired": .bool(needsRestart),
            ])
        guard mode != .off, mode != .hot, needsRestart || (mode == .restart && !changed.isEmpty) else { return }
        let paths = plan.restart.prefix(4).map(\.description).joined(separator: ", ")
        restartAfterRuns(
            "configuration changed: \(paths)", by: "config", delayMs: restartDelayMs, configHash: snapshot.hash)
    }

    /// Uploads come from the workspaces, so these concern browsers too.
    private static func concernsBrowsers(_ path: ConfigPath) -> Bool {
        path.hasPrefix(ConfigPath("browser")) || path.hasPrefix(ConfigPath("agents"))
    }

    /// A new shared secret counts at once; who came in with the old one must come again.
    private func adoptAuth(_ snapshot: ConfigSnapshot) {
        let old = auth
        let new = authFacts.resolve(snapshot.config)
        guard !isExposed || new.isStrong else {
            logger.error(
                "the changed credential is too weak for a port that other hosts reach; the old one stays",
                metadata: [
                    "mode": "\(new.mode.rawValue)", "next": "\(instance.command) config set gateway.bind loopback",
                ])
            return
        }
        auth = new
        guard old.mode != auth.mode || old.token != auth.token || old.password != auth.password else { return }
        revokeCanvas { _ in true }
        // Only those of now: who comes with the new secret in the meantime stays.
        let outdated = connections.filter { $0.value.session?.usedSharedSecret == true }.map(\.key)
        // A moment later, so that the answer to the request which changed the secret still arrives.
        loop.scheduleTask(in: .milliseconds(200)) { [self] in
            assumeIsolated { gateway in
                for id in outdated {
                    gateway.connections[id]?.socket.close(code: 4001, reason: "the gateway's credential changed")
                }
            }
        }
    }

    /// Restarts once no run is active, at the latest after 30 s.
    func restartAfterRuns(_ reason: String, by: String, delayMs: Int = 300, configHash: String? = nil) {
        guard phase == .ready else { return }
        // unstructured: the request asks disk and ports off the loop and ends by itself
        Task {
            do {
                _ = try await take(
                    LifecycleRequest(
                        action: .restart, reason: reason, by: by, delayMs: min(max(delayMs, 300), 60_000),
                        waitsForRuns: true, configHash: configHash))
            } catch {
                logger.error("no restart", metadata: ["reason": "\(reason)", "error": "\(error)"])
            }
        }
    }
}
