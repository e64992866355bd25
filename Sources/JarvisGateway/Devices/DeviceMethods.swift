import JarvisCore
import JarvisProtocol

/// `device.*`.
enum DeviceMethods {
    static let handlers: [String: MethodHandler] = [
        "device.pair.list": .immediate { gateway, _ in
            gateway.devices.expire(now: gateway.clock.now())
            return [
                "pending": .array(gateway.devices.pending.values.sorted { $0.ts < $1.ts }.map(\.summary)),
                "paired": .array(
                    gateway.devices.paired.values.sorted { $0.approvedAtMs < $1.approvedAtMs }.map(\.summary)),
            ]
        },
        "device.pair.approve": .ordered { gateway, call in
            let request = try gateway.openRequest(call)
            guard gateway.scopes(of: call.connection).covers(request.scopes) else {
                throw WireError.invalidRequest(
                    "missing scope: a device can't be given scopes that the approver lacks",
                    details: ["code": "MISSING_SCOPE"])
            }
            let device = try await gateway.pair(request)
            gateway.announce(request, decision: "approved")
            return ["requestId": .string(request.requestId), "device": device.summary]
        },
        "device.pair.reject": .ordered { gateway, call in
            let request = try gateway.openRequest(call)
            gateway.devices.removePending(request.requestId)
            gateway.announce(request, decision: "rejected")
            return ["requestId": .string(request.requestId), "deviceId": .string(request.deviceId)]
        },
        "device.pair.remove": .ordered { gateway, call in
            let device = try gateway.knownDevice(call)
            let removed = try await gateway.store.removeDevice(.paired, id: device.deviceId)
            gateway.devices.remove(deviceId: device.deviceId)
            gateway.closeConnections(ofDevice: device.deviceId, caller: call.connection, reason: "device removed")
            return ["deviceId": .string(device.deviceId), "removed": .bool(removed)]
        },
        "device.token.rotate": .ordered { gateway, call in
            var device = try gateway.knownDevice(call)
            let role = call.string("role") ?? "operator"
            guard let old = device.tokens[role] else {
                throw WireError.invalidRequest("device has no token for role '\(role)'")
            }
            let scopes = call.strings("scopes").map { ScopeSet(names: $0) } ?? old.scopes
            guard gateway.scopes(of: call.connection).covers(scopes), device.scopes.covers(scopes) else {
                throw WireError.invalidRequest(
                    "missing scope: a token can't carry scopes that the caller or the device lacks",
                    details: ["code": "MISSING_SCOPE"])
            }
            let now = gateway.clock.now()
            let token = DeviceRegistry.Token(
                token: Identifiers.randomHex(bytes: 24), role: role, scopes: scopes, createdAtMs: old.createdAtMs,
                rotatedAtMs: now)
            device.tokens[role] = token
            try await gateway.save(device)
            gateway.closeConnections(
                ofDevice: device.deviceId, caller: call.connection, reason: "device token rotated")
            return [
                "deviceId": .string(device.deviceId), "role": .string(role), "token": .string(token.token),
                "scopes": JSONValue(scopes.names), "rotatedAtMs": .int(now),
            ]
        },
        "device.token.revoke": .ordered { gateway, call in
            var device = try gateway.knownDevice(call)
            let role = call.string("role") ?? "operator"
            guard device.tokens[role] != nil else {
                throw WireError.invalidRequest("device has no token for role '\(role)'")
            }
            let now = gateway.clock.now()
            device.tokens[role]?.revokedAtMs = now
            try await gateway.save(device)
            gateway.closeConnections(
                ofDevice: device.deviceId, caller: call.connection, reason: "device token revoked")
            return ["deviceId": .string(device.deviceId), "role": .string(role), "revokedAtMs": .int(now)]
        },
    ]
}

extension Gateway {
    fileprivate func openRequest(_ call: MethodCall) throws -> DeviceRegistry.Pending {
        devices.expire(now: clock.now())
        guard let request = call.string("requestId").flatMap({ devices.pending[$0] }) else {
            throw WireError.invalidRequest("unknown or expired pairing request; device.pair.list shows the open ones")
        }
        return request
    }

    fileprivate func knownDevice(_ call: MethodCall) throws -> DeviceRegistry.Paired {
        guard let device = call.string("deviceId").flatMap({ devices.paired[$0] }) else {
            throw WireError.invalidRequest("unknown device; device.pair.list shows the paired ones")
        }
        return device
    }

    fileprivate func announce(_ request: DeviceRegistry.Pending, decision: String) {
        broadcast(
            "device.pair.resolved",
            [
                "requestId": .string(request.requestId), "deviceId": .string(request.deviceId),
                "decision": .string(decision), "ts": .int(clock.now()),
            ])
    }
}
