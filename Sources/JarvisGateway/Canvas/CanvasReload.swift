import JarvisCore
import JarvisNet
import JarvisProtocol
import JarvisSystem
import NIOCore

/// Live reload: pages that show the canvas hold a socket, and hear `reload` when a file changed. Nothing is watched
/// while nobody looks.
extension Gateway {
    /// Judges a WebSocket below the canvas's prefix: the live-reload socket, with a capability or the gateway's secret.
    func canvasUpgrade(_ request: HTTPServerRequest) -> Result<CanvasViewerHandler, UpgradeRefusal> {
        func refuse(_ text: String, _ status: Int) -> Result<CanvasViewerHandler, UpgradeRefusal> {
            .failure(UpgradeRefusal(response: stamped(.text(text + "\n", status: status))))
        }
        if let refusal = refusal(of: request) { return .failure(UpgradeRefusal(response: refusal)) }
        guard let target = CanvasTarget(path: request.path, query: request.query), target.kind == .reload else {
            return refuse("no WebSocket on this path", 400)
        }
        if let refusal = canvasRefusal(target, request) { return .failure(UpgradeRefusal(response: refusal)) }
        guard canvas.liveReload else { return refuse("live reload is turned off (canvasHost.liveReload)", 404) }
        guard canvas.viewers.count < CanvasHost.viewerLimit else {
            return refuse("too many pages watch the canvas", 503)
        }
        canvas.lastViewer += 1
        return .success(CanvasViewerHandler(gateway: self, id: canvas.lastViewer, capability: target.capability))
    }

    fileprivate func canvasViewerCame(_ id: Int, _ socket: WebSocket, capability: String?) {
        socket.markAuthenticated()
        socket.maximumMessageBytes = 1024
        canvas.viewers[id] = CanvasViewer(socket: socket, capability: capability)
        if let capability { canvas.capabilities.viewerCame(capability) }
        guard canvas.watch == nil else { return }
        // unstructured: preparing the root asks the disk; ends by itself
        Task { await self.watchCanvas() }
    }

    fileprivate func canvasViewerLeft(_ id: Int) {
        guard let viewer = canvas.viewers.removeValue(forKey: id) else { return }
        if let capability = viewer.capability { canvas.capabilities.viewerLeft(capability, now: monotonic.now()) }
        if canvas.viewers.isEmpty {
            canvas.watch?.stop()
            canvas.watch = nil
            canvas.isWatching = false
        }
    }

    private func watchCanvas() async {
        do {
            let files = try await canvasFiles()
            guard canvas.watch == nil, !canvas.viewers.isEmpty else { return }
            let version = canvas.scene.version
            canvas.watch = TreeWatch(
                root: files.root,
                onReady: { [self] in loop.execute { self.assumeIsolated { $0.watchBegan(version) } } },
                onChange: { [self] in loop.execute { self.assumeIsolated { $0.reloadViewers() } } })
        } catch {
            logger.warning("the canvas is not watched", metadata: ["error": "\(error)"])
        }
    }

    /// The watch is in place. What was written while it came into being, nobody has told the pages of.
    private func watchBegan(_ version: Int) {
        guard canvas.watch != nil else { return }
        canvas.isWatching = true
        if canvas.scene.version != version { reloadViewers() }
    }

    /// Waits until the pages that look were told about a write, at most 400 ms: a page that is opened from then on is
    /// not told once more.
    func canvasSettled() async {
        guard canvas.watch != nil else { return }
        await withCheckedContinuation { continuation in
            canvas.settling.append(continuation)
            loop.scheduleTask(in: .milliseconds(400)) { self.assumeIsolated { $0.settle() } }
        }
    }

    private func settle() {
        for waiter in canvas.settling { waiter.resume() }
        canvas.settling = []
    }

    private func reloadViewers() {
        defer { settle() }
        let frame = PreparedFrame(text: Array("reload".utf8))
        for viewer in canvas.viewers.values where viewer.socket.isOpen { viewer.socket.send(frame) }
    }

    /// Takes capabilities back and ends the sockets that they opened.
    func revokeCanvas(where condition: (CanvasCapabilities.Holder) -> Bool) {
        canvas.capabilities.revoke(where: condition)
        let now = monotonic.now()
        for viewer in canvas.viewers.values {
            guard let capability = viewer.capability, canvas.capabilities.holder(of: capability, now: now) == nil else {
                continue
            }
            viewer.socket.close(code: 4001, reason: "this address is no longer good")
        }
    }

    /// Ends the watch and its sockets; the gateway stops.
    func closeCanvas() {
        settle()
        canvas.watch?.stop()
        canvas.watch = nil
        for viewer in canvas.viewers.values { viewer.socket.close(code: 1012, reason: "service restart") }
        for question in canvas.asked.values {
            question.timeout.cancel()
            question.answer.resume(throwing: WireError.unavailable("the gateway is stopping"))
        }
        canvas.asked = [:]
    }
}

/// Hands a live-reload socket's callbacks to the gateway.
final class CanvasViewerHandler: WebSocketHandler, Sendable {
    private let gateway: Gateway
    private let id: Int
    private let capability: String?

    init(gateway: Gateway, id: Int, capability: String?) {
        self.gateway = gateway
        self.id = id
        self.capability = capability
    }

    func opened(_ socket: WebSocket) {
        gateway.assumeIsolated { $0.canvasViewerCame(id, socket, capability: capability) }
    }

    // The socket only tells; what is said to it counts for nothing.
    func received(text: ByteBuffer) {}
    func received(binary: ByteBuffer) {}

    func closed(code: UInt16?, reason: String) {
        gateway.assumeIsolated { $0.canvasViewerLeft(id) }
    }
}
