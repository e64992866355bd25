import JarvisCore
import JarvisProtocol

/// From a request to its answer.
extension Gateway {
    func dispatch(_ frame: RequestFrame, from id: Int) {
        guard let session = connections[id]?.session else { return }
        guard let entry = MethodTable.entries[frame.method] else {
            let error =
                frame.method == "connect"
                ? WireError.invalidRequest("connect is only valid as the first request")
                : WireError.invalidRequest("unknown method: \(frame.method.prefix(128))")
            deny(frame.id, error, from: id)
            return
        }
        if let scope = entry.descriptor.scope, !session.scopes.allows(scope) {
            deny(
                frame.id,
                .invalidRequest(
                    "missing scope: \(scope.rawValue)",
                    details: ["code": "MISSING_SCOPE", "scope": .string(scope.rawValue)]), from: id)
            return
        }
        do {
            try entry.descriptor.validate(frame.params)
        } catch {
            respond(id, frame.id, .failure(error))
            return
        }
        let call = MethodCall(id: frame.id, params: frame.params, connection: id)
        switch entry.handler {
        case .immediate(let handler):
            respond(id, frame.id, Result { try handler(self, call) }.mapError(WireError.init))
        case .cached(let fast, let slow):
            if let payload = fast(self, call) {
                connections[id]?.socket.send(text: OutgoingFrame.response(id: frame.id, encodedPayload: payload))
            } else {
                start(call, slow)
            }
        case .concurrent(let handler):
            start(call, handler)
        case .ordered(let handler):
            guard admitOpenRequest(call) else { return }
            let previous = connections[id]?.orderedTail
            // unstructured: a request outlives the callback that received it; its order is that of the chain
            connections[id]?.orderedTail = Task {
                await previous?.value
                await self.run(call, handler)
            }
        }
    }

    private func start(
        _ call: MethodCall, _ handler: @escaping @Sendable (isolated Gateway, MethodCall) async throws -> JSONValue
    ) {
        guard admitOpenRequest(call) else { return }
        // unstructured: a request outlives the callback that received it; it ends with its answer
        Task { await self.run(call, handler) }
    }

    /// Counts a request that waits for something, or refuses it when its connection has too many of them.
    private func admitOpenRequest(_ call: MethodCall) -> Bool {
        guard let open = connections[call.connection]?.openRequests, open < Policy.maxOpenRequests else {
            respond(
                call.connection, call.id,
                .failure(.unavailable("too many requests at once on this connection", retryAfterMs: 1000)))
            return false
        }
        connections[call.connection]?.openRequests = open + 1
        return true
    }

    private func run(
        _ call: MethodCall, _ handler: @Sendable (isolated Gateway, MethodCall) async throws -> JSONValue
    ) async {
        defer { connections[call.connection]?.openRequests -= 1 }
        do {
            respond(call.connection, call.id, .success(try await handler(self, call)))
        } catch {
            let wire = WireError(error)
            if !(error is WireError), !(error is JarvisError) {
                logger.error("request failed", metadata: ["error": "\(error)"])
            }
            respond(call.connection, call.id, .failure(wire))
        }
    }

    func respond(_ connection: Int, _ requestId: String, _ result: Result<JSONValue, WireError>) {
        guard let socket = connections[connection]?.socket else { return }
        switch result {
        case .success(let payload): socket.send(text: OutgoingFrame.response(id: requestId, payload: payload))
        case .failure(let error): socket.send(text: OutgoingFrame.failure(id: requestId, error: error))
        }
    }

    private func deny(_ requestId: String, _ error: WireError, from id: Int) {
        respond(id, requestId, .failure(error))
        countDenial(id)
    }

    /// Whether `connection` may change the configuration again: at most `limit` times a minute.
    func admitControlPlaneWrite(_ connection: Int, limit: Int = 3) throws {
        let key = connections[connection]?.session?.deviceId ?? "connection-\(connection)"
        let now = clock.now()
        var times = (controlPlaneWrites[key] ?? []).filter { $0 > now - 60_000 }
        guard times.count < limit else {
            let wait = Int((times.first ?? now) + 60_000 - now)
            throw WireError(
                .unavailable, "too many configuration changes; wait \(wait / 1000 + 1) s", retryable: true,
                retryAfterMs: wait)
        }
        times.append(now)
        controlPlaneWrites[key] = times
        controlPlaneWrites = controlPlaneWrites.filter { $0.value.contains { $0 > now - 60_000 } }
    }
}
