import JarvisCore
import Synchronization

/// One address that a browser wanted and the policy refused.
package struct EgressDenial: Sendable, Hashable {
    /// Counts up from 1 within one browser.
    package var number: Int
    /// What the browser asked for: an address, or `host:port` of a connection whose content can't be seen (TLS,
    /// WebSocket).
    package var target: String
    /// The host without brackets.
    package var host: String
    /// The port.
    package var port: Int
    /// The policy's answer.
    package var error: BrowserError
}

/// The recent refusals of one browser, so that whoever asked for a page gets the policy's own words. The last 64.
package final class EgressDenials: Sendable {
    private struct State {
        var list: [EgressDenial] = []
        var count = 0
    }

    private let state = Mutex(State())

    /// An empty list.
    package init() {}

    /// All that are kept, the oldest first.
    package var all: [EgressDenial] { state.withLock(\.list) }

    /// The number of the last refusal: a mark to ask for later ones.
    package var mark: Int { state.withLock(\.count) }

    /// The last refusal of `url` after `mark`; an address below `https:` is known by its host and port only.
    package func refusal(of url: String, after mark: Int) -> EgressDenial? {
        guard case .web(let address)? = try? NavigationAddress(url) else { return nil }  // nothing else is connected to
        return all.last { $0.number > mark && $0.host == address.host && $0.port == address.port }
    }

    func add(target: String, host: String, port: Int, error: BrowserError) {
        state.withLock { state in
            state.count += 1
            state.list.append(
                EgressDenial(number: state.count, target: target, host: host, port: port, error: error))
            if state.list.count > 64 { state.list.removeFirst() }
        }
    }
}
