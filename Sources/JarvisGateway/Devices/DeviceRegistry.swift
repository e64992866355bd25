import JarvisCore
import JarvisProtocol

/// The devices that may connect with a key of their own, and those that ask to.
///
/// Pure: the gateway persists every change before it acts on it.
struct DeviceRegistry: Sendable {
    /// A device's credential for one role.
    struct Token: Sendable, Hashable {
        var token: String
        var role: String
        var scopes: ScopeSet
        var createdAtMs: EpochMilliseconds
        var rotatedAtMs: EpochMilliseconds?
        var revokedAtMs: EpochMilliseconds?
        var lastUsedAtMs: EpochMilliseconds?
    }

    /// A device that was let in.
    struct Paired: Sendable, Hashable {
        var deviceId: String
        var publicKey: String
        var displayName: String?
        var platform: String
        var clientId: String
        var clientMode: String
        var scopes: ScopeSet
        var tokens: [String: Token]
        var createdAtMs: EpochMilliseconds
        var approvedAtMs: EpochMilliseconds
    }

    /// A device that asks, for five minutes.
    struct Pending: Sendable, Hashable {
        var requestId: String
        var deviceId: String
        var publicKey: String
        var displayName: String?
        var platform: String
        var clientId: String
        var clientMode: String
        var role: String
        var scopes: ScopeSet
        var remoteIp: String?
        var reason: String
        var ts: EpochMilliseconds
    }

    /// How long a request waits for an answer.
    static let pendingLifetimeMs: Int64 = 300_000
    /// How many requests may wait; the oldest goes first.
    static let maximumPending = 64

    private(set) var paired: [String: Paired] = [:]
    private(set) var pending: [String: Pending] = [:]

    /// Why a device that holds its key still needs an owner's word.
    enum Verdict: Sendable, Hashable {
        case admitted(Paired)
        case needsPairing(reason: String)
    }

    init(paired: [Paired] = []) {
        self.paired = Dictionary(paired.map { ($0.deviceId, $0) }, uniquingKeysWith: { _, last in last })
    }

    /// Whether a proven device may have `role` with `scopes`.
    func verdict(deviceId: String, publicKey: String, role: String, scopes: ScopeSet, platform: String) -> Verdict {
        guard let device = paired[deviceId], device.publicKey == publicKey else {
            return .needsPairing(reason: "not-paired")
        }
        guard device.tokens[role]?.revokedAtMs == nil, device.tokens[role] != nil else {
            return .needsPairing(reason: "role-upgrade")
        }
        guard device.scopes.covers(scopes) else { return .needsPairing(reason: "scope-upgrade") }
        guard device.platform == platform else { return .needsPairing(reason: "metadata-upgrade") }
        return .admitted(device)
    }

    /// The live token of a device for `role` when `shown` is it.
    func token(deviceId: String, role: String, shown: String?) -> Token? {
        guard let shown, let token = paired[deviceId]?.tokens[role], token.revokedAtMs == nil,
            Identifiers.equalSecrets(shown, token.token)
        else { return nil }
        return token
    }

    /// Adds a request, or returns the one that the device has open for the same wish.
    mutating func request(_ new: Pending, now: EpochMilliseconds) -> (pending: Pending, isNew: Bool) {
        expire(now: now)
        if let open = pending.values.first(where: { $0.deviceId == new.deviceId && $0.publicKey == new.publicKey }) {
            if open.role == new.role, open.scopes == new.scopes, open.platform == new.platform { return (open, false) }
            // Another wish gets another id, so that nobody approves what was not shown.
            pending[open.requestId] = nil
        }
        if pending.count >= Self.maximumPending, let oldest = pending.values.min(by: { $0.ts < $1.ts }) {
            pending[oldest.requestId] = nil
        }
        pending[new.requestId] = new
        return (new, true)
    }

    mutating func expire(now: EpochMilliseconds) {
        pending = pending.filter { $0.value.ts > now - Self.pendingLifetimeMs }
    }

    /// What approving a request makes of the device.
    func approved(_ request: Pending, now: EpochMilliseconds) -> Paired {
        var device =
            paired[request.deviceId].flatMap { $0.publicKey == request.publicKey ? $0 : nil }
            ?? Paired(
                deviceId: request.deviceId, publicKey: request.publicKey, displayName: request.displayName,
                platform: request.platform, clientId: request.clientId, clientMode: request.clientMode,
                scopes: ScopeSet([]), tokens: [:], createdAtMs: now, approvedAtMs: now)
        device.scopes = ScopeSet(device.scopes.scopes.union(request.scopes.scopes))
        device.platform = request.platform
        device.approvedAtMs = now
        device.tokens[request.role] = Token(
            token: Identifiers.randomHex(bytes: 24), role: request.role, scopes: device.scopes, createdAtMs: now)
        return device
    }

    mutating func store(_ device: Paired) { paired[device.deviceId] = device }
    mutating func removePending(_ requestId: String) { pending[requestId] = nil }
    mutating func remove(deviceId: String) { paired[deviceId] = nil }
}

extension DeviceRegistry.Paired {
    /// The record in the store; holds the tokens.
    var record: JSONObject {
        var tokens = JSONObject()
        for (role, token) in self.tokens.sorted(by: { $0.key < $1.key }) {
            tokens[role] = .members([
                "token": .string(token.token), "role": .string(token.role), "scopes": JSONValue(token.scopes.names),
                "createdAtMs": .int(token.createdAtMs), "rotatedAtMs": token.rotatedAtMs.map(JSONValue.int),
                "revokedAtMs": token.revokedAtMs.map(JSONValue.int),
                "lastUsedAtMs": token.lastUsedAtMs.map(JSONValue.int),
            ])
        }
        return JSONValue.members([
            "deviceId": .string(deviceId), "publicKey": .string(publicKey),
            "displayName": displayName.map(JSONValue.string), "platform": .string(platform),
            "clientId": .string(clientId), "clientMode": .string(clientMode), "scopes": JSONValue(scopes.names),
            "tokens": .object(tokens), "createdAtMs": .int(createdAtMs), "approvedAtMs": .int(approvedAtMs),
        ]).objectValue ?? [:]
    }

    /// Reads a record; nil when it is none of ours.
    init?(record: JSONObject) {
        guard let deviceId = record["deviceId"]?.stringValue, let publicKey = record["publicKey"]?.stringValue else {
            return nil
        }
        func time(_ value: JSONValue?) -> EpochMilliseconds? { value?.intValue.map(EpochMilliseconds.init) }
        func scopes(_ value: JSONValue?) -> ScopeSet {
            ScopeSet(names: value?.arrayValue?.compactMap(\.stringValue) ?? [])
        }
        var tokens: [String: DeviceRegistry.Token] = [:]
        for (role, value) in record["tokens"]?.objectValue ?? [:] {
            guard let token = value["token"]?.stringValue else { continue }
            tokens[role] = DeviceRegistry.Token(
                token: token, role: role, scopes: scopes(value["scopes"]), createdAtMs: time(value["createdAtMs"]) ?? 0,
                rotatedAtMs: time(value["rotatedAtMs"]), revokedAtMs: time(value["revokedAtMs"]),
                lastUsedAtMs: time(value["lastUsedAtMs"]))
        }
        self.init(
            deviceId: deviceId, publicKey: publicKey, displayName: record["displayName"]?.stringValue,
            platform: record["platform"]?.stringValue ?? "", clientId: record["clientId"]?.stringValue ?? "",
            clientMode: record["clientMode"]?.stringValue ?? "", scopes: scopes(record["scopes"]), tokens: tokens,
            createdAtMs: time(record["createdAtMs"]) ?? 0, approvedAtMs: time(record["approvedAtMs"]) ?? 0)
    }

    /// What `device.pair.list` shows: everything but the secrets.
    var summary: JSONValue {
        .members([
            "deviceId": .string(deviceId), "publicKey": .string(publicKey),
            "displayName": displayName.map(JSONValue.string), "platform": .string(platform),
            "clientId": .string(clientId), "clientMode": .string(clientMode), "roles": JSONValue(tokens.keys.sorted()),
            "scopes": JSONValue(scopes.names),
            "tokens": .array(
                tokens.values.sorted { $0.role < $1.role }.map { token in
                    .members([
                        "role": .string(token.role), "scopes": JSONValue(token.scopes.names),
                        "createdAtMs": .int(token.createdAtMs), "rotatedAtMs": token.rotatedAtMs.map(JSONValue.int),
                        "revokedAtMs": token.revokedAtMs.map(JSONValue.int),
                        "lastUsedAtMs": token.lastUsedAtMs.map(JSONValue.int),
                    ])
                }),
            "createdAtMs": .int(createdAtMs), "approvedAtMs": .int(approvedAtMs),
        ])
    }
}

extension DeviceRegistry.Pending {
    /// What `device.pair.list` and the event show.
    var summary: JSONValue {
        .members([
            "requestId": .string(requestId), "deviceId": .string(deviceId), "publicKey": .string(publicKey),
            "displayName": displayName.map(JSONValue.string), "platform": .string(platform),
            "clientId": .string(clientId), "clientMode": .string(clientMode), "role": .string(role),
            "scopes": JSONValue(scopes.names), "remoteIp": remoteIp.map(JSONValue.string), "reason": .string(reason),
            "ts": .int(ts),
        ])
    }
}
