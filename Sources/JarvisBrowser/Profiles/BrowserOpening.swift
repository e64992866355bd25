import JarvisCore
import JarvisNet

/// Opens real browsers: launches Chrome as a child of the gateway, behind an egress proxy, or connects to one that runs
/// already.
package enum BrowserOpening {
    /// The opener of a gateway.
    package static let standard: BrowserOpener = { profile, settings, host in
        try await launch(profile, settings, host)
    }

    private static func launch(
        _ profile: BrowserProfile, _ settings: BrowserSettings, _ host: BrowserHost
    ) async throws -> OpenBrowser {
        guard profile.isManaged else {
            throw BrowserError(
                409, "attach_only", "The browser of profile \"\(profile.name)\" is not launched (attachOnly).")
        }
        try await host.leaseDirectory(profile.name, profile.userDataDir)
        do {
            let port = try await host.leasePort(profile.name, profile.pinnedPort, false)
            let policy = settings.policy(host)
            let proxy = try await EgressProxy.start(policy: policy, group: host.group)
            do {
                let browser = try await BrowserLauncher.launch(
                    LaunchPlan(
                        executable: profile.executablePath ?? "/usr/bin/chromium", userDataDir: profile.userDataDir,
                        headless: profile.isHeadless, noSandbox: profile.isUnsandboxed,
                        cdpPort: profile.opensPort ? port : nil, extraArgs: profile.extraArguments + proxy.flags,
                        environment: host.environment, children: host.tree))
                let denials = proxy.denials
                let session = BrowserSession(
                    connection: browser.connection, rules: settings.rules(policy, profile, denials: denials))
                do {
                    try await session.begin()
                } catch {
                    await browser.stop()
                    throw error
                }
                return OpenBrowser(
                    session: session, pid: browser.pid, port: profile.opensPort ? port : nil,
                    product: browser.product, executable: browser.plan.executable,
                    adopt: { settings, profile in
                        let policy = settings.policy(host)
                        proxy.update(policy)
                        session.adopt(settings.rules(policy, profile, denials: denials))
                    },
                    stop: {
                        await browser.stop()
                        await proxy.close()
                        await host.releaseDirectory(profile.userDataDir)
                    })
            } catch {
                await proxy.close()
                throw error
            }
        } catch {
            await host.releaseDirectory(profile.userDataDir)
            throw error
        }
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
    package func rules(
        _ policy: NavigationPolicy, _ profile: BrowserProfile, denials: EgressDenials? = nil
    ) -> SessionRules {
        var rules = SessionRules(
            mayEvaluate: mayEvaluate, artifacts: directories.artifacts, uploadRoots: directories.uploads,
            policy: policy, downloads: directories.downloads)
        rules.denials = denials
        rules.ignoresCertificateErrors = profile.ignoresCertificateErrors
        rules.isLocal = !profile.isRemote
        return rules
    }
}
