import JarvisCore

/// One connection to a browser that runs already. Whatever fails, nothing of it is left; the browser runs on.
struct AttachedOpening: Sendable {
    let profile: BrowserProfile
    let settings: BrowserSettings
    let host: BrowserHost

    /// Where the browser of a profile runs already or has to; nil: it is to be launched.
    ///
    /// - Throws: `BrowserError` 409 `not_running` when it has to and does not.
    static func address(of profile: BrowserProfile, _ host: BrowserHost) async throws -> CDPAddress? {
        if let address = profile.cdpUrl {
            guard profile.isManaged else { return address }
            // On this host: launched unless somebody listens there, who is then judged.
            let isTaken = try await offPool { !PortProof.owners(port: address.port).isEmpty }
            return isTaken ? address : nil
        }
        if profile.isManaged { return nil }
        if profile.driver == .existingSession, profile.pinnedPort == nil {
            return try await offPool { try ExistingSession.address(of: profile) }
        }
        let port = try await host.leasePort(profile.name, profile.pinnedPort, false)
        return try CDPAddress("http://127.0.0.1:\(port)")
    }

    /// Connects.
    ///
    /// - Throws: as `BrowserAttacher.attach`; `BrowserError` 409 `address_taken`.
    func open(_ address: CDPAddress) async throws -> OpenBrowser {
        let (profile, host) = (profile, host)
        if !profile.isShared { try await host.leaseEndpoint(profile.name, address.endpoint) }
        let release: @Sendable () async -> Void = {
            if !profile.isShared { await host.releaseEndpoint(address.endpoint) }
        }
        do {
            let plan = AttachPlan(address: address, profile: profile, settings: settings, host: host)
            let browser = try await BrowserAttacher.attach(plan)
            let denials = EgressDenials()
            let session = BrowserSession(
                connection: browser.connection,
                rules: settings.rules(settings.policy(host), profile, denials: denials, hasProxy: false))
            do {
                try await session.begin()
            } catch {
                browser.release()
                throw error
            }
            return OpenBrowser(
                session: session, pid: browser.pid, port: address.isLoopback ? address.port : nil,
                product: browser.product,
                adopt: { settings, profile in
                    session.adopt(settings.rules(settings.policy(host), profile, denials: denials, hasProxy: false))
                },
                stop: {
                    browser.release()
                    await release()
                })
        } catch {
            await release()
            throw error
        }
    }
}
