import JarvisCore
import JarvisNet

/// Opens real browsers: launches Chrome as a child of the gateway, behind an egress proxy, or connects to one that runs
/// already.
package enum BrowserOpening {
    /// The opener of one gateway; it remembers which browsers failed to start.
    package static func standard() -> BrowserOpener {
        let attempts = LaunchAttempts()
        return { profile, settings, host in
            if let address = try await AttachedOpening.address(of: profile, host) {
                return try await AttachedOpening(profile: profile, settings: settings, host: host).open(address)
            }
            return try await ManagedOpening(profile: profile, settings: settings, host: host, attempts: attempts).open()
        }
    }
}

/// One start of a browser of our own. Whatever fails, nothing of it is left.
private struct ManagedOpening: Sendable {
    let profile: BrowserProfile
    let settings: BrowserSettings
    let host: BrowserHost
    let attempts: LaunchAttempts

    func open() async throws -> OpenBrowser {
        try await host.leaseDirectory(profile.name, profile.userDataDir)
        do {
            let policy = settings.policy(host)
            let proxy = try await EgressProxy.start(policy: policy, group: host.group)
            do {
                return try await launch(proxy, policy)
            } catch {
                await proxy.close()
                throw error
            }
        } catch {
            await host.releaseDirectory(profile.userDataDir)
            throw error
        }
    }

    /// On the leased port; once more on another when a stranger sits there.
    private func launch(_ proxy: EgressProxy, _ policy: NavigationPolicy) async throws -> OpenBrowser {
        let (profile, environment) = (profile, host.environment)
        let program = try await offPool {
            try BrowserDetection.find(profile.executablePath, place: profile.executablePlace, environment: environment)
        }
        // Leased also when it stays closed: the port of a profile does not change when it is opened one day.
        let port = try await host.leasePort(profile.name, profile.pinnedPort, false)
        do {
            return try await launch(program, proxy, policy, port: profile.opensPort ? port : nil)
        } catch let error as BrowserError where error.code == "port_taken" && profile.pinnedPort == nil {
            host.logger.notice(
                "debugging port given up",
                metadata: ["profile": "\(profile.name)", "port": "\(port)", "why": "\(error.message)"])
            let other = try await host.leasePort(profile.name, nil, true)
            return try await launch(program, proxy, policy, port: other)
        } catch let error as BrowserError where error.code == "port_taken" {
            throw BrowserError(
                error.status, error.code,
                "\(error.message) Or give the profile another port: "
                    + CommandWords.current.config("set browser.profiles.\(profile.name).cdpPort <port>"))
        }
    }

    private func launch(
        _ program: BrowserProgram, _ proxy: EgressProxy, _ policy: NavigationPolicy, port: Int?
    ) async throws -> OpenBrowser {
        var plan = LaunchPlan(
            executable: program.path, userDataDir: profile.userDataDir, headless: profile.isHeadless,
            noSandbox: profile.isUnsandboxed, cdpPort: port, proxy: "127.0.0.1:\(proxy.port)",
            extraArgs: profile.extraArguments, environment: host.environment, children: host.tree)
        plan.ownsDirectory = !profile.hasOwnDirectory
        let (ready, profile, host, denials) = (plan, profile, host, proxy.denials)
        let rules = settings.rules(policy, profile, denials: denials, hasProxy: true)
        let (browser, session) = try await attempts.start(profile.name) {
            try await BrowserLauncher.launch(ready) { connection in
                let session = BrowserSession(connection: connection, rules: rules)
                try await session.begin(isNew: true)
                return session
            }
        }
        return OpenBrowser(
            session: session, pid: browser.pid, port: browser.port, product: browser.product,
            executable: browser.plan.executable,
            adopt: { settings, profile in
                let policy = settings.policy(host)
                proxy.update(policy)
                session.adopt(settings.rules(policy, profile, denials: denials, hasProxy: true))
            },
            stop: {
                await browser.stop()
                await proxy.close()
                await host.releaseDirectory(profile.userDataDir)
            })
    }
}

extension BrowserSettings {
    /// Which addresses pages may be loaded from, on this host.
    package func policy(_ host: BrowserHost) -> NavigationPolicy {
        var policy = NavigationPolicy()
        policy.allowsPrivateNetwork = addresses.allowsPrivateNetwork
        policy.allowedHostnames = addresses.allowedHostnames
        policy.hostnameAllowlist = addresses.hostnameAllowlist
        policy.deniedPorts = host.deniedPorts
        return policy
    }

    /// What the session of a browser may do.
    ///
    /// - Parameters:
    ///   - denials: what the policy has refused it.
    ///   - hasProxy: its connections are judged by a proxy of ours; otherwise its requests are, inside the browser.
    package func rules(
        _ policy: NavigationPolicy, _ profile: BrowserProfile, denials: EgressDenials, hasProxy: Bool
    ) -> SessionRules {
        var rules = SessionRules(
            mayEvaluate: mayEvaluate, artifacts: directories.artifacts, uploadRoots: directories.uploads,
            policy: policy, downloads: directories.downloads)
        rules.denials = denials
        rules.interceptsRequests = !hasProxy
        rules.ignoresCertificateErrors = profile.ignoresCertificateErrors
        rules.isLocal = !profile.isRemote
        return rules
    }
}
