import JarvisCore

/// The parameters of `connect`, read and checked for shape.
public struct ConnectParams: Sendable {
    /// Who connects.
    public struct Client: Sendable, Hashable {
        /// One of `ClientNames.ids`.
        public var id: String
        /// A name for people.
        public var displayName: String?
        /// The client's version.
        public var version: String
        /// `linux`, `darwin`, `web` …
        public var platform: String
        /// `phone`, `desktop` …
        public var deviceFamily: String?
        /// The hardware model.
        public var modelIdentifier: String?
        /// One of `ClientNames.modes`.
        public var mode: String
        /// The client's own instance, to tell two of one kind apart.
        public var instanceId: String?
    }

    /// The oldest protocol that the client speaks.
    public var minProtocol: Int
    /// The newest.
    public var maxProtocol: Int
    /// Who connects.
    public var client: Client
    /// Capabilities such as `tool-events`.
    public var caps: [String]
    /// `operator` (default) or `node`.
    public var role: String
    /// The scopes asked for, as spelled; nil when the client left them out.
    public var scopes: [String]?
    /// The device's proof.
    public var device: DeviceProof?
    /// `auth.token`.
    public var token: String?
    /// `auth.deviceToken`.
    public var deviceToken: String?
    /// `auth.password`.
    public var password: String?
    /// The client's language.
    public var locale: String?
    /// The client's software.
    public var userAgent: String?

    /// Reads the parameters.
    ///
    /// - Throws: `INVALID_REQUEST` naming the member.
    public init(_ params: JSONValue) throws(WireError) {
        try MethodDescriptor.connect.validate(params)
        minProtocol = params["minProtocol"]?.intValue ?? 0
        maxProtocol = params["maxProtocol"]?.intValue ?? 0
        let client = params["client"] ?? [:]
        try Self.clientShape.validate(client)
        self.client = Client(
            id: client["id"]?.stringValue ?? "", displayName: client["displayName"]?.stringValue,
            version: client["version"]?.stringValue ?? "", platform: client["platform"]?.stringValue ?? "",
            deviceFamily: client["deviceFamily"]?.stringValue, modelIdentifier: client["modelIdentifier"]?.stringValue,
            mode: client["mode"]?.stringValue ?? "", instanceId: client["instanceId"]?.stringValue)
        // Presence repeats these to everyone.
        for (name, value) in client.objectValue ?? [:]
        where (value.stringValue?.utf8.count ?? 0) > Self.maximumClientText {
            throw .invalidRequest(
                "invalid connect params: 'client.\(name)' must have at most \(Self.maximumClientText) bytes")
        }
        caps = (params["caps"]?.arrayValue?.compactMap(\.stringValue) ?? []).filter { $0.utf8.count <= 64 }
        role = params["role"]?.stringValue ?? "operator"
        scopes = params["scopes"]?.arrayValue?.compactMap(\.stringValue)
        locale = params["locale"]?.stringValue
        userAgent = params["userAgent"]?.stringValue
        if let auth = params["auth"] {
            try Self.authShape.validate(auth)
            token = auth["token"]?.stringValue
            deviceToken = auth["deviceToken"]?.stringValue
            password = auth["password"]?.stringValue
        }
        if let device = params["device"] {
            try Self.deviceShape.validate(device)
            self.device = DeviceProof(
                id: device["id"]?.stringValue ?? "", publicKey: device["publicKey"]?.stringValue ?? "",
                signature: device["signature"]?.stringValue ?? "",
                signedAt: EpochMilliseconds(device["signedAt"]?.intValue ?? 0),
                nonce: device["nonce"]?.stringValue ?? "")
        }
    }

    /// What the device must have signed.
    public func devicePayload(_ device: DeviceProof) -> DevicePayload {
        DevicePayload(
            deviceId: device.id, clientId: client.id, clientMode: client.mode, role: role, scopes: scopes ?? [],
            signedAt: device.signedAt, token: token ?? deviceToken ?? "", nonce: device.nonce,
            platform: client.platform, deviceFamily: client.deviceFamily ?? "")
    }

    /// The longest text that a client may say about itself, in bytes.
    private static let maximumClientText = 256

    private static let clientShape = MethodDescriptor(
        "connect", scope: nil, "",
        parameters: [
            .required("id", .word(ClientNames.ids)), .optional("displayName", .string()),
            .required("version", .string(minimum: 1)), .required("platform", .string(minimum: 1)),
            .optional("deviceFamily", .string()), .optional("modelIdentifier", .string()),
            .required("mode", .word(ClientNames.modes)), .optional("instanceId", .string()),
        ], result: "")

    private static let authShape = MethodDescriptor(
        "connect", scope: nil, "",
        parameters: [
            .optional("token", .string()), .optional("deviceToken", .string()), .optional("password", .string()),
        ], result: "")

    private static let deviceShape = MethodDescriptor(
        "connect", scope: nil, "",
        parameters: [
            .required("id", .string(minimum: 1)), .required("publicKey", .string(minimum: 1)),
            .required("signature", .string(minimum: 1)), .required("signedAt", .integer(0...Int.max)),
            .optional("nonce", .string()),
        ], result: "")
}
