import JarvisCore
import Synchronization

/// A browser that is connected, launched by us or not.
package struct OpenBrowser: Sendable {
    /// Its tabs.
    package var session: BrowserSession
    /// Its process; nil when it is not our child.
    package var pid: Int32?
    /// Its debugging port, when that is open.
    package var port: Int?
    /// What it says it is: `Chrome/156.0.7000.0`.
    package var product: String?
    /// The program that was launched.
    package var executable: String?
    /// Puts changed rules in force while it runs.
    package var adopt: @Sendable (BrowserSettings, BrowserProfile) -> Void
    /// Ends it (a browser of our own) or lets go of it (any other). Returns when nothing of it is left.
    package var stop: @Sendable () async -> Void

    /// A connected browser.
    package init(
        session: BrowserSession, pid: Int32? = nil, port: Int? = nil, product: String? = nil,
        executable: String? = nil, adopt: @escaping @Sendable (BrowserSettings, BrowserProfile) -> Void = { _, _ in },
        stop: @escaping @Sendable () async -> Void
    ) {
        self.session = session
        self.pid = pid
        self.port = port
        self.product = product
        self.executable = executable
        self.adopt = adopt
        self.stop = stop
    }
}

/// How a browser is opened: given to `BrowserControl`, so that its states can be tested without Chrome.
///
/// Throws `BrowserError`; then nothing of the attempt is left.
package typealias BrowserOpener =
    @Sendable (_ profile: BrowserProfile, _ settings: BrowserSettings, _ host: BrowserHost) async throws -> OpenBrowser

/// Hands out ports where there is no lease table.
final class PortCounter: Sendable {
    private let first: Int
    private let given: Mutex<(ports: [String: Int], next: Int)>

    init(first: Int) {
        self.first = first
        given = Mutex(([:], first))
    }

    func port(_ profile: String, relocate: Bool) -> Int {
        given.withLock { given in
            if !relocate, let port = given.ports[profile] { return port }
            defer { given.next += 1 }
            given.ports[profile] = given.next
            return given.next
        }
    }
}
