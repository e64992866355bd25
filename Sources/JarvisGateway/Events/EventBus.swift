import JarvisCore
import JarvisNet
import JarvisProtocol
import NIOCore

/// Events to clients. A broadcast is encoded once and carries a number that grows by one, so that a client sees what it
/// missed; a client that reads too slowly misses droppable events first, and is closed when others would pile up or when
/// it does not catch up.
extension Gateway {
    /// Sends an event to every connected client whose scopes allow it.
    func broadcast(_ name: String, _ payload: JSONValue, stateVersion: JSONValue? = nil) {
        eventSeq += 1
        guard !connections.isEmpty else { return }
        let descriptor = EventDescriptor.named(name)
        let frame = PreparedFrame(
            text: OutgoingFrame.event(name, payload: payload, seq: eventSeq, stateVersion: stateVersion))
        for id in Array(connections.keys) {
            guard let session = connections[id]?.session else { continue }
            if let scope = descriptor?.scope, !session.scopes.allows(scope) { continue }
            deliver(frame, to: id, droppable: descriptor?.isDroppable ?? true)
        }
    }

    /// Sends an event to chosen clients; it has no number.
    func send(_ name: String, _ payload: JSONValue, to ids: [Int]) {
        guard !ids.isEmpty else { return }
        let frame = PreparedFrame(text: OutgoingFrame.event(name, payload: payload))
        let droppable = EventDescriptor.named(name)?.isDroppable ?? true
        for id in ids { deliver(frame, to: id, droppable: droppable) }
    }

    private func deliver(_ frame: PreparedFrame, to id: Int, droppable: Bool) {
        guard let socket = connections[id]?.socket, socket.isOpen else { return }
        let backlog = socket.bufferedBytes
        guard backlog > Policy.dropBytes else {
            connections[id]?.behindSince = nil
            return socket.send(frame)
        }
        let since = connections[id]?.behindSince ?? .now()
        connections[id]?.behindSince = since
        if backlog > Policy.maxBufferedBytes - (1 << 20) || .now() - since > Policy.slowestClient {
            slowClients += 1
            logger.warning("slow client closed", metadata: ["conn": "\(connections[id]?.connId ?? "")"])
            return socket.close(code: 1008, reason: "slow consumer")
        }
        if droppable {
            connections[id]?.droppedEvents += 1
        } else {
            socket.send(frame)
        }
    }

    /// The connected clients, in the shape of `system-presence`.
    func presenceEntries() -> [JSONValue] {
        var entries: [JSONValue] = [
            .members([
                "host": .string(hostName), "version": .string(version), "mode": "gateway",
                "reason": "self", "text": .string("Gateway: \(instance.displayName)"), "ts": .int(clock.now()),
                "instanceId": .string(identity.instanceId),
            ])
        ]
        // With more clients than the list may hold, any of them will do; sorting all of them would not.
        let shown = connections.values.lazy.filter { $0.session != nil }.prefix(199)
        for connection in shown.sorted(by: { $0.id < $1.id }) {
            guard let session = connection.session else { continue }
            entries.append(
                .members([
                    "host": session.client.displayName.map(JSONValue.string) ?? .string(session.client.id),
                    "ip": connection.peer.displayAddress.map(JSONValue.string),
                    "version": .string(session.client.version), "platform": .string(session.client.platform),
                    "deviceFamily": session.client.deviceFamily.map(JSONValue.string),
                    "modelIdentifier": session.client.modelIdentifier.map(JSONValue.string),
                    "mode": .string(session.client.mode), "reason": "connect", "ts": .int(session.connectedAt),
                    "deviceId": session.deviceId.map(JSONValue.string), "roles": [.string(session.role)],
                    "scopes": JSONValue(session.scopes.names),
                    "instanceId": session.client.instanceId.map(JSONValue.string),
                ]))
        }
        return entries
    }

    func stateVersion() -> JSONValue {
        ["presence": JSONValue(presenceVersion), "health": JSONValue(healthVersion)]
    }

    /// Tells the clients who is there, soon: a burst of arrivals is one event, and the more clients there are the longer
    /// it waits (2 ms for each), so that a thousand arrivals cost a few events and not a thousand times a thousand.
    func broadcastPresence() {
        guard !connections.isEmpty, presenceTask == nil else { return }
        let delay = max(50, 2 * connections.count)
        presenceTask = loop.scheduleTask(in: .milliseconds(Int64(delay))) { [self] in
            assumeIsolated { gateway in
                gateway.presenceTask = nil
                guard !gateway.connections.isEmpty else { return }
                gateway.broadcast(
                    "presence", ["presence": .array(gateway.presenceEntries())], stateVersion: gateway.stateVersion())
            }
        }
    }
}

extension PeerAddress {
    /// The address for presence; nil for the unix socket.
    var displayAddress: String? {
        if case .tcp(let ip, _, _) = self { return ip }
        return nil
    }
}
