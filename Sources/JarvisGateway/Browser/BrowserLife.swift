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
            host: composition.host(tree: children, group: group), opener: BrowserOpening.standard)
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

/// Ends what an earlier start of this gateway left behind, should a kernel have let it: browsers that carry this
/// instance's id and work in its state directory.
enum BrowserOrphans {
    /// Looks and ends. Blocks; call it off the start path.
    ///
    /// - Returns: the pids that were ended.
    static func sweep(instanceId: String, stateDirectory: String) -> [Int32] {
        let reader = ProcessInfoReader()
        let own = Int32(ProcessFacts.pid)
        let table = ProcessTable.read().alive
        let spared = table.descendants(of: [own]).union(table.ancestors(of: own))
        let orphans = table.entries.map(\.pid).filter { pid in
            pid != own && !spared.contains(pid)
                && reader.environment(pid, ChildTree.tag) == instanceId
                && reader.commandLine(pid: pid).contains { $0.contains("\(stateDirectory)/browser/") }
        }
        for pid in orphans { ProcessHandle(pid: pid)?.signal(9) }
        return orphans
    }
}
