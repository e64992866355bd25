extension MethodDescriptor {
    /// The handshake; always the first request of a connection.
    public static let connect = MethodDescriptor(
        "connect", scope: nil, "Opens the session of a connection; must be the first request.",
        parameters: [
            .required("minProtocol", .integer(1...Int.max)), .required("maxProtocol", .integer(1...Int.max)),
            .required("client", .object), .optional("caps", .array(.string())),
            .optional("commands", .array(.string())),
            .optional("permissions", .object), .optional("pathEnv", .string()),
            .optional("role", .word(["operator", "node"])), .optional("scopes", .array(.string())),
            .optional("device", .object), .optional("auth", .object), .optional("locale", .string()),
            .optional("userAgent", .string()),
        ], result: "hello-ok")

    /// Every method that the gateway answers, in the order of the reference. A new method is one line here and one
    /// handler in the gateway.
    public static let all: [MethodDescriptor] =
        system + chat + agent + sessions + config + catalog + devices + approvals + browser + canvas
}

/// The numbers of the protocol.
public enum ProtocolVersion {
    /// The oldest that we speak.
    public static let minimum = 3
    /// The newest.
    public static let maximum = 4
    /// The version for a client's range: the newest that both speak; nil when there is none.
    public static func negotiate(minimum low: Int, maximum high: Int) -> Int? {
        let version = min(high, maximum)
        return version >= low && version >= minimum ? version : nil
    }
}
