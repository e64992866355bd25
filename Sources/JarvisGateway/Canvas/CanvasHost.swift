import JarvisConfig
import JarvisCore
import JarvisHost
import JarvisNet
import JarvisSystem
import NIOCore

/// What the gateway keeps about its canvas.
struct CanvasHost {
    /// Whether it is served: `canvasHost.enabled`, and not `JARVIS_SKIP_CANVAS_HOST=1`.
    let isEnabled: Bool
    /// The directory as configured, absolute; it is made with the first use.
    let configuredRoot: String
    /// Whether shown pages are told to load anew.
    let liveReload: Bool
    /// The files, once the root was prepared.
    var files: CanvasFiles?
    /// The addresses that were given out.
    var capabilities: CanvasCapabilities
    /// What is shown.
    var scene = CanvasScene()
    /// The sockets of live reload.
    var viewers: [Int: CanvasViewer] = [:]
    var lastViewer = 0
    /// Watches the files while somebody looks.
    var watch: TreeWatch?
    /// Whether the watch has begun: no change is missed from then on.
    var isWatching = false
    /// Who waits until the pages that look were told about what was just written.
    var settling: [CheckedContinuation<Void, Never>] = []
    /// Connected pages that can show the canvas; the later ones attached later.
    var renderers: [CanvasRenderer] = []
    /// What was asked of a renderer and is not answered yet.
    var asked: [String: CanvasQuestion] = [:]

    /// The most sockets of live reload.
    static let viewerLimit = 64
    /// The most questions that wait for a renderer.
    static let questionLimit = 32

    init(config: CanvasHostConfig, instance: Instance, isSkipped: Bool) {
        isEnabled = config.enabled && !isSkipped
        configuredRoot = config.root.map(instance.expand) ?? instance.paths.canvas
        liveReload = config.liveReload
        capabilities = CanvasCapabilities(ttl: .seconds(config.capabilityTtlSeconds))
    }
}

/// What the canvas shows.
struct CanvasScene: Sendable, Hashable {
    /// Whether it is to be seen.
    var isVisible = false
    /// The page, from the root: `/`, `/report/index.html`.
    var path = "/"
    /// What the page is called for people.
    var title: String?
    /// Grows with every change.
    var revision = 0
    /// Grows with every write of the gateway's; a page tells with which it was served.
    var version = 0

    /// The wire form.
    var json: JSONValue {
        .members([
            "visible": .bool(isVisible), "path": .string(path), "title": title.map(JSONValue.string),
            "revision": JSONValue(revision), "version": JSONValue(version),
        ])
    }
}

/// A page that is told when files change.
struct CanvasViewer {
    let socket: WebSocket
    /// The capability that let it in; nil for a bearer.
    let capability: String?
}

/// A connected client that can show the canvas.
struct CanvasRenderer: Hashable {
    var connection: Int
    /// Whether its owner sees it now.
    var isVisible: Bool
}

/// Something that one renderer was asked for.
struct CanvasQuestion {
    var connection: Int
    var answer: CheckedContinuation<JSONValue, any Error>
    var timeout: Scheduled<Void>
}
