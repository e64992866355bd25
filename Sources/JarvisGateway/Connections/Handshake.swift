import JarvisCore
import JarvisNet
import JarvisProtocol

/// `connect`: version, device, credential, scopes, hello.
extension Gateway {
    /// How far a device's claimed signing time may be off.
    private static var maximumSkewMs: Int64 { 120_000 }

    func connect(_ frame: RequestFrame, connection id: Int) {
        guard let connection = connections[id] else { return }
        guard !connection.sawConnect else {
            return end(id, frame.id, .invalidRequest("connect is still in progress"), reason: "invalid handshake")
        }
        connections[id]?.sawConnect = true
        guard frame.method == "connect" else {
            return end(
                id, frame.id, .invalidRequest("invalid handshake: the first request must be connect"),
                reason: "invalid handshake: first request must be connect")
        }
        do {
            let params = try ConnectParams(frame.params)
            guard
                let version = ProtocolVersion.negotiate(minimum: params.minProtocol, maximum: params.maxProtocol)
            else {
                let expected =
                    params.maxProtocol < ProtocolVersion.minimum ? ProtocolVersion.minimum : ProtocolVersion.maximum
                return end(
                    id, frame.id,
                    .invalidRequest(
                        "protocol mismatch: this gateway speaks \(ProtocolVersion.minimum) to \(ProtocolVersion.maximum)",
                        details: ["expectedProtocol": JSONValue(expected)]),
                    reason: "protocol mismatch", code: 1002)
            }
            guard phase != .draining else {
                return end(
                    id, frame.id, .unavailable("the gateway is stopping", retryAfterMs: 1500), reason: "service restart"
                )
            }
            let admission = try admit(params, connection)
            switch admission {
            case .session(let grant):
                hello(id, frame.id, params, version: version, grant: grant)
            case .pairing(let request):
                // unstructured: the record must be durable before the device is told; ends with the handshake
                Task { await self.finishPairing(request, id, frame.id, params, version: version) }
            }
        } catch {
            end(id, frame.id, error, reason: String(error.message.prefix(120)))
        }
    }

    /// What a credential is worth.
    struct Grant {
        var scopes: ScopeSet
        var deviceId: String?
        var deviceToken: DeviceRegistry.Token?
        var usedSharedSecret = false
    }

    private enum Admission {
        case session(Grant)
        case pairing(DeviceRegistry.Pending)
    }

    private func admit(_ params: ConnectParams, _ connection: Connection) throws(WireError) -> Admission {
        guard params.role == "operator" else {
            throw .invalidRequest("unauthorized role: \(params.role)", details: ["code": "AUTH_UNAUTHORIZED"])
        }
        if case .unix = connection.peer {
            // The kernel vouches for the peer: the listener admits the owner's processes only.
            return .session(Grant(scopes: scopes(of: params, within: .all)))
        }
        let limiterKey = connection.peer.limiterKey + (connection.origin == nil ? "" : " page")
        let isExempt = rateLimiter.limits.exemptLoopback && connection.isLocalDirect && connection.origin == nil
        if !isExempt, let wait = rateLimiter.lockedFor(limiterKey, now: clock.now()) {
            throw WireError(
                .invalidRequest, "unauthorized: too many failed attempts; wait \(wait / 1000 + 1) s",
                details: ["code": "AUTH_RATE_LIMITED"], retryable: true, retryAfterMs: wait)
        }
        do {
            let admission = try admitByCredential(params, connection)
            rateLimiter.recordSuccess(limiterKey)
            return admission
        } catch {
            if let code = error.details?["code"]?.stringValue, code.hasSuffix("MISMATCH") || code.hasSuffix("INVALID") {
                rateLimiter.recordFailure(limiterKey, now: clock.now())
            }
            throw error
        }
    }

    private func admitByCredential(
        _ params: ConnectParams, _ connection: Connection
    ) throws(WireError) -> Admission {
        let shared = auth.check(token: params.token, password: params.password)
        guard let device = params.device else {
            if shared == .accepted {
                return .session(
                    Grant(scopes: scopes(of: params, within: .all), usedSharedSecret: true))
            }
            if shared == .missing {
                throw WireError(
                    .notPaired, "unauthorized: device identity required (or give the gateway's \(auth.mode.rawValue))",
                    details: ["code": "DEVICE_IDENTITY_REQUIRED"])
            }
            throw auth.refusal(shared)
        }
        let publicKey = try verify(device, params, nonce: connection.nonce)
        let token =
            devices.token(deviceId: device.id, role: params.role, shown: params.deviceToken)
            ?? devices.token(deviceId: device.id, role: params.role, shown: params.token)
        guard shared == .accepted || token != nil else {
            if params.deviceToken != nil, params.token == nil, params.password == nil {
                throw .invalidRequest(
                    "unauthorized: device token mismatch (rotate or pair again)",
                    details: ["code": "AUTH_DEVICE_TOKEN_MISMATCH"])
            }
            throw auth.refusal(shared)
        }
        let ceiling = shared == .accepted ? ScopeSet.all : (token?.scopes ?? ScopeSet([]))
        let wanted = scopes(of: params, within: ceiling)
        let key = Base64URL.encode(publicKey)
        let verdict = devices.verdict(
            deviceId: device.id, publicKey: key, role: params.role, scopes: wanted, platform: params.client.platform)
        switch verdict {
        case .admitted(let paired):
            return .session(
                Grant(
                    scopes: wanted, deviceId: device.id, deviceToken: token ?? paired.tokens[params.role],
                    usedSharedSecret: shared == .accepted && token == nil))
        case .needsPairing(let reason):
            if connection.origin != nil, shared == .accepted {
                // A page that knows the secret may work, but it never pairs itself: a page's key stays a guest's.
                return .session(Grant(scopes: wanted, usedSharedSecret: true))
            }
            return .pairing(
                DeviceRegistry.Pending(
                    requestId: Identifiers.uuid(), deviceId: device.id, publicKey: key,
                    displayName: params.client.displayName, platform: params.client.platform,
                    clientId: params.client.id, clientMode: params.client.mode, role: params.role, scopes: wanted,
                    remoteIp: connection.peer.displayAddress, reason: reason, ts: clock.now()))
        }
    }

    private func verify(
        _ device: DeviceProof, _ params: ConnectParams, nonce: String
    ) throws(WireError) -> [UInt8] {
        func refuse(_ code: String, _ text: String) -> WireError {
            .invalidRequest("unauthorized: \(text)", details: ["code": .string(code)])
        }
        guard let key = DeviceSignature.rawPublicKey(device.publicKey) else {
            throw refuse("DEVICE_AUTH_PUBLIC_KEY_INVALID", "device public key is not an Ed25519 key")
        }
        guard Identifiers.sha256Hex(key) == device.id else {
            throw refuse("DEVICE_AUTH_DEVICE_ID_MISMATCH", "device id is not the hash of its public key")
        }
        guard abs(clock.now() - device.signedAt) <= Self.maximumSkewMs else {
            throw refuse(
                "DEVICE_AUTH_SIGNATURE_EXPIRED", "device signature is too old or from the future; check the clock")
        }
        guard !device.nonce.isEmpty else {
            throw refuse("DEVICE_AUTH_NONCE_REQUIRED", "device nonce required")
        }
        guard device.nonce == nonce else {
            throw refuse("DEVICE_AUTH_NONCE_MISMATCH", "device nonce is not the one of this connection's challenge")
        }
        guard DeviceSignature.verify(params.devicePayload(device), signature: device.signature, rawPublicKey: key)
        else {
            throw refuse("DEVICE_AUTH_SIGNATURE_INVALID", "device signature is not valid")
        }
        return key
    }

    private func scopes(of params: ConnectParams, within ceiling: ScopeSet) -> ScopeSet {
        guard let asked = params.scopes else { return ceiling }
        return ceiling.granting(ScopeSet(names: asked))
    }

    private func finishPairing(
        _ request: DeviceRegistry.Pending, _ id: Int, _ requestId: String, _ params: ConnectParams, version: Int
    ) async {
        guard let connection = connections[id] else { return }
        if connection.isLocalDirect, connection.origin == nil {
            do {
                let device = try await pair(request)
                hello(
                    id, requestId, params, version: version,
                    grant: Grant(
                        scopes: request.scopes, deviceId: device.deviceId, deviceToken: device.tokens[request.role]))
            } catch {
                end(id, requestId, WireError(error), reason: "pairing failed")
            }
            return
        }
        let (pending, isNew) = devices.request(request, now: clock.now())
        if isNew { broadcast("device.pair.requested", pending.summary) }
        end(
            id, requestId,
            WireError(
                .notPaired,
                "unauthorized: pairing required; approve request \(pending.requestId) on the gateway's host",
                details: [
                    "code": "PAIRING_REQUIRED", "requestId": .string(pending.requestId),
                    "reason": .string(pending.reason),
                ]), reason: "pairing required")
    }

    private func hello(_ id: Int, _ requestId: String, _ params: ConnectParams, version: Int, grant: Grant) {
        guard connections[id] != nil else { return }
        connections[id]?.session = Connection.ConnectionSession(
            client: params.client, caps: Set(params.caps), role: params.role, scopes: grant.scopes,
            protocolVersion: version, deviceId: grant.deviceId, usedSharedSecret: grant.usedSharedSecret,
            connectedAt: clock.now())
        connections[id]?.socket.markAuthenticated()
        presenceVersion += 1
        respond(id, requestId, .success(helloPayload(id, params, version: version, grant: grant)))
        startTicking()
        broadcastPresence()
        logger.debug(
            "client connected",
            metadata: ["conn": "\(connections[id]?.connId ?? "")", "client": "\(params.client.id)"])
    }

    private func helloPayload(_ id: Int, _ params: ConnectParams, version: Int, grant: Grant) -> JSONValue {
        let isAdmin = grant.scopes.allows(.admin)
        var authInfo: JSONValue = ["role": .string(params.role), "scopes": JSONValue(grant.scopes.names)]
        if let token = grant.deviceToken {
            authInfo["deviceToken"] = .string(token.token)
            authInfo["issuedAtMs"] = .int(token.rotatedAtMs ?? token.createdAtMs)
        }
        return [
            "type": "hello-ok", "protocol": JSONValue(version),
            "server": [
                "version": .string(self.version), "connId": .string(connections[id]?.connId ?? ""),
                "instanceId": .string(identity.instanceId), "profile": .string(instance.displayName),
                "bootId": .string(bootId),
            ],
            "features": [
                "methods": .array(MethodTable.names),
                "events": .array(EventDescriptor.all.map { .string($0.name) }),
            ],
            "snapshot": .members([
                "presence": .array(presenceEntries()),
                "health": (healthCache?.bytes).flatMap { try? JSONParser.parse($0) } ?? [:],  // our own bytes
                "stateVersion": stateVersion(), "uptimeMs": .int(clock.now() - startedAt),
                "configPath": isAdmin ? .string(instance.configPath) : nil,
                "stateDir": isAdmin ? .string(instance.stateDirectory) : nil,
                "sessionDefaults": sessionDefaults(), "authMode": .string(auth.mode.rawValue),
            ]),
            "auth": authInfo,
            "policy": [
                "maxPayload": JSONValue(Policy.maxPayload), "maxBufferedBytes": JSONValue(Policy.maxBufferedBytes),
                "tickIntervalMs": JSONValue(Policy.tickIntervalMs),
                "attachments": [
                    "maxBytes": JSONValue(Policy.maxAttachmentBytes),
                    "maxImageBytes": JSONValue(Policy.maxAttachmentBytes),
                ],
            ],
        ]
    }

    /// Answers a failed handshake and closes.
    private func end(_ id: Int, _ requestId: String, _ error: WireError, reason: String, code: UInt16 = 1008) {
        guard let connection = connections[id] else { return }
        connection.socket.send(text: OutgoingFrame.failure(id: requestId, error: error))
        connection.socket.close(code: code, reason: reason)
        guard let leftOut = refusalLog.admit(now: clock.now()) else { return }
        logger.info(
            "connect refused",
            metadata: [
                "code": "\(error.details?["code"]?.stringValue ?? error.code.rawValue)", "left-out": "\(leftOut)",
            ])
    }
}
