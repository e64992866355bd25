import JarvisCore
import JarvisNet

/// Which addresses a browser may be sent to. Pure but for looking names up.
package struct NavigationPolicy: Sendable {
    /// Private networks and this host may be opened.
    package var allowsPrivateNetwork = false
    /// Hosts that may be opened whatever their address.
    package var allowedHostnames: [String] = []
    /// When not empty, no other host may be opened (`*.example.com` matches below).
    package var hostnameAllowlist: [String] = []
    /// Ports of this host that are never opened: this gateway's and its siblings'. Asked at each use.
    package var deniedPorts: @Sendable () -> Set<Int> = { [] }

    /// The default policy: the public internet.
    package init() {}

    /// Judges an address that a caller wants to open.
    ///
    /// - Throws: `BrowserError` 400 `blocked_url` or `invalid_url`, naming address and setting.
    package func check(_ url: String) async throws {}
}
