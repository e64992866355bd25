import JarvisCore
import JarvisNet
import JarvisProtocol
import NIOCore

/// Opening, receiving, closing.
extension Gateway {
    func open(_ id: Int, socket: WebSocket, request: ConnectionHandler.UpgradeFacts) {
        let connection = Connection(
            id: id, connId: Identifiers.uuid(), socket: socket, peer: socket.peer, isLocalDirect: request.isLocalDirect,
            origin: request.origin, host: request.host, openedAt: clock.now(), nonce: Identifiers.uuid())
        connections[id] = connection
        socket.send(
            text: OutgoingFrame.event(
                "connect.challenge", payload: ["nonce": .string(connection.nonce), "ts": .int(clock.now())]))
    }

    func receive(_ text: ByteBuffer, from id: Int) {
        guard let connection = connections[id] else { return }
        let frame: RequestFrame
        do {
            frame = try RequestFrame(text.readableBytesView)
        } catch {
            refuse(error, from: connection)
            return
        }
        if connection.session == nil {
            connect(frame, connection: id)
        } else {
            dispatch(frame, from: id)
        }
    }

    func receiveBinary(from id: Int) {
        guard let connection = connections[id] else { return }
        connection.socket.close(code: 1003, reason: "binary frames are not part of the protocol; send text")
    }

    private func refuse(_ failure: RequestFrame.DecodingFailure, from connection: Connection) {
        if let requestId = failure.id {
            connection.socket.send(text: OutgoingFrame.failure(id: requestId, error: failure.error))
        }
        guard connection.session != nil else {
            connection.socket.close(code: 1008, reason: "invalid request frame")
            return
        }
        if failure.id == nil {
            // Nobody can match an answer without an id; the empty id says which frame it was: the last one.
            connection.socket.send(text: OutgoingFrame.failure(id: "", error: failure.error))
        }
        countDenial(connection.id)
    }

    /// Counts a refused call and closes a connection that only makes such calls.
    func countDenial(_ id: Int) {
        connections[id]?.denials += 1
        if let connection = connections[id], connection.denials >= 100 {
            connection.socket.close(code: 1008, reason: "too many refused requests")
        }
    }

    func forget(_ id: Int, code: UInt16?) {
        guard let connection = connections.removeValue(forKey: id) else { return }
        cancelBrowserWork(of: id)
        forgetRenderer(id)
        for runId in Array(runs.keys) {
            runs[runId]?.waiters.removeAll { $0.connection == id }
            runs[runId]?.toolListeners.removeAll { $0 == id }
        }
        if connection.session != nil {
            presenceVersion += 1
            broadcastPresence()
            logger.debug(
                "client disconnected",
                metadata: ["conn": "\(connection.connId)", "code": "\(code.map(String.init) ?? "none")"])
        }
        if connections.isEmpty {
            tickTask?.cancel()
            tickTask = nil
            HeapTrim.afterBurst()
        }
    }

    /// Starts the one timer of an idle gateway; there is none without clients.
    func startTicking() {
        guard tickTask == nil else { return }
        tickTask = loop.scheduleTask(in: .milliseconds(Int64(Policy.tickIntervalMs))) { [self] in
            assumeIsolated { gateway in
                gateway.tickTask = nil
                guard gateway.connections.values.contains(where: { $0.session != nil }) else { return }
                gateway.broadcast("tick", ["ts": .int(gateway.clock.now())])
                gateway.startTicking()
            }
        }
    }
}

/// The protocol's limits as `hello-ok.policy` announces them.
enum Policy {
    static let maxPayload = 26_214_400
    static let maxBufferedBytes = 52_428_800
    /// With so much waiting for it a client misses the events that it may miss. The limit that is announced is for
    /// answers, which nobody else pays for.
    static let dropBytes = 16 << 20
    /// A client that stays above `dropBytes` for so long is closed.
    static let slowestClient = TimeAmount.seconds(10)
    static let tickIntervalMs = 30_000
    static let healthRefreshMs: Int64 = 60_000
    static let maxOpenRequests = 1024
    static let maxAttachmentBytes = 5_000_000
}
