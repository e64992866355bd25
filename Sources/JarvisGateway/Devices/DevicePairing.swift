import JarvisCore
import JarvisProtocol

/// Changes of the device registry: durable first, then in force, then told.
extension Gateway {
    /// Lets a device in.
    func pair(_ request: DeviceRegistry.Pending) async throws -> DeviceRegistry.Paired {
        let device = devices.approved(request, now: clock.now())
        try await store.putDevice(.paired, id: device.deviceId, record: device.record)
        devices.removePending(request.requestId)
        devices.store(device)
        logger.info(
            "device paired", metadata: ["device": "\(device.deviceId.prefix(12))", "client": "\(device.clientId)"])
        return device
    }

    /// Stores a changed device.
    func save(_ device: DeviceRegistry.Paired) async throws {
        try await store.putDevice(.paired, id: device.deviceId, record: device.record)
        devices.store(device)
    }

    /// Closes the connections of a device; `caller`'s a moment later, so that its answer still arrives.
    func closeConnections(ofDevice deviceId: String, caller: Int, reason: String) {
        revokeCanvas { $0.deviceId == deviceId }
        for connection in connections.values where connection.session?.deviceId == deviceId {
            if connection.id == caller {
                loop.scheduleTask(in: .milliseconds(200)) { connection.socket.close(code: 4001, reason: reason) }
            } else {
                connection.socket.close(code: 4001, reason: reason)
            }
        }
    }

    /// The scopes of a caller.
    func scopes(of connection: Int) -> ScopeSet { connections[connection]?.session?.scopes ?? ScopeSet([]) }
}
