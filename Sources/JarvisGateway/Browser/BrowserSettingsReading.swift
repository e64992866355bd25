import JarvisBrowser
import JarvisConfig
import JarvisCore
import JarvisHost

extension BrowserSettings {
    /// What a configuration says about the browsers of `instance`; paths expanded, secrets read.
    init(_ config: Config, instance: Instance) {
        let browser = config.browser
        var workspaces = [config.agents.defaults.workspace.map(instance.expand) ?? instance.defaultWorkspace]
        for workspace in config.agents.list.compactMap(\.workspace).map(instance.expand)
        where !workspaces.contains(workspace) {
            workspaces.append(workspace)
        }
        self.init(directories: Directories(root: instance.paths.browser, workspaces: workspaces))
        isEnabled = browser.enabled
        mayEvaluate = browser.evaluateEnabled
        defaultProfile = browser.defaultProfile
        channel = Channel(rawValue: browser.cdp) ?? .pipe
        executablePath = browser.executablePath.map(instance.expand)
        isHeadless = browser.headless
        isUnsandboxed = browser.noSandbox
        attachOnly = browser.attachOnly
        extraArguments = browser.extraArgs
        color = BrowserColor.normalized(browser.color) ?? BrowserColor.palette[0]
        remoteTimeout = .milliseconds(browser.remoteCdpTimeoutMs)
        remoteHandshakeTimeout = .milliseconds(browser.remoteCdpHandshakeTimeoutMs)
        ignoresCertificateErrors = browser.ignoreHTTPSErrors
        snapshotsAreEfficient = browser.snapshotsAreEfficient
        addresses.allowsPrivateNetwork = browser.addresses.allowsPrivateNetwork
        addresses.allowedHostnames = browser.addresses.allowedHostnames
        addresses.hostnameAllowlist = browser.addresses.hostnameAllowlist
        profiles = browser.profiles.map { Profile($0, instance: instance) }
        guard let url = browser.cdpUrl else { return }
        let standard = profiles.firstIndex { $0.name == BrowserProfile.standardName }
        do throws(JarvisError) {
            cdpUrl = try CDPAddress(url.reveal())
        } catch {
            // The profile that would have used it says why it can't be used.
            var entry = standard.map { profiles[$0] } ?? Profile(name: BrowserProfile.standardName)
            entry.problem = entry.problem ?? "browser.cdpUrl: \(error.message)"
            if let standard { profiles[standard] = entry } else { profiles.insert(entry, at: 0) }
        }
    }
}

extension BrowserSettings.Profile {
    fileprivate init(_ entry: BrowserConfig.Profile, instance: Instance) {
        self.init(name: entry.name)
        driver = Driver(rawValue: entry.driver) ?? .jarvis
        cdpPort = entry.cdpPort
        color = entry.color.flatMap(BrowserColor.normalized)
        headless = entry.headless
        executablePath = entry.executablePath.map(instance.expand)
        userDataDir = entry.userDataDir.map(instance.expand)
        attachOnly = entry.attachOnly
        cdp = entry.cdp.flatMap(BrowserSettings.Channel.init(rawValue:))
        ignoresCertificateErrors = entry.ignoreHTTPSErrors
        isShared = entry.shared
        guard let url = entry.cdpUrl else { return }
        do throws(JarvisError) {
            cdpUrl = try CDPAddress(url.reveal())
        } catch {
            problem = "browser.profiles.\(entry.name).cdpUrl: \(error.message)"
        }
    }
}
