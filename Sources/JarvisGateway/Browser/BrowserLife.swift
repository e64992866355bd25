import JarvisBrowser
import JarvisConfig
import JarvisCore
import JarvisHost
import JarvisSystem
import NIOCore

extension Gateway {
    /// Makes the browsers' service; nothing of it runs until it is asked for something.
    func prepareBrowser(_ composition: BrowserComposition, group: any EventLoopGroup) {
        otherGateways = composition.otherGateways
        browser = BrowserControl(
            settings: BrowserSettings(config.config, instance: instance),
            host: composition.host(tree: children, group: group), opener: BrowserOpening.standard())
    }

    /// Learns why its control service does not listen.
    func noteBrowserControl(problem: String) { browserControlProblem = problem }

    /// What `status` and `health` say about browsers.
    func browserSummary() -> JSONValue {
        let glances = browser?.glances ?? []
        return .members([
            "enabled": .bool(config.config.browser.enabled),
            "controlPort": browserControlPort.map { JSONValue($0) } ?? .null,
            "problem": JSONValue(browserControlProblem), "running": JSONValue(glances.count { $0.state == "running" }),
            "browsers": .array(glances.map(\.json)),
        ])
    }

    /// Puts changed settings of browsers in force.
    func adoptBrowser(_ snapshot: ConfigSnapshot) async {
        guard let browser else { return }
        if snapshot.config.browser.enabled, !initialConfig.config.browser.enabled, browserControlProblem == nil {
            browserControlProblem = "it listens from the next start of the gateway on"
            logger.notice(
                "browsers are turned on; their control port opens with the next start of the gateway",
                metadata: ["next": "\(instance.command) gateway restart"])
        }
        let outdated = await browser.apply(BrowserSettings(snapshot.config, instance: instance))
        guard !outdated.isEmpty else { return }
        let names = outdated.joined(separator: ", ")
        logger.notice(
            "browsers run with their old settings until they are started again",
            metadata: ["profiles": "\(names)", "next": "\(instance.command) browser stop"])
    }

    /// Ends every browser and everything else that this gateway started, other gateways excepted.
    func closeBrowsers() async {
        await browser?.shutdown()
        guard children.hasStarted else { return }
        let (children, others) = (children, otherGateways)
        let left = try? await Blocking.run { children.stop(sparing: others()) }  // never throws
        if let left, !left.isEmpty { logger.error("processes that do not end", metadata: ["pids": "\(left)"]) }
    }
}
