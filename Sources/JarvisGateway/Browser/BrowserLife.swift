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

    /// Puts changed settings of browsers in force.
    func adoptBrowser(_ snapshot: ConfigSnapshot) async {
        guard let browser else { return }
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
