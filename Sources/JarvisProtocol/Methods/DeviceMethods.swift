extension MethodDescriptor {
    private static let requestId = ParameterSpec.required("requestId", .string(minimum: 1))
    private static let deviceId = ParameterSpec.required("deviceId", .string(minimum: 1))
    private static let role = ParameterSpec.required("role", .string(minimum: 1))

    /// Paired devices and their tokens.
    public static let devices: [MethodDescriptor] = [
        MethodDescriptor("device.pair.list", scope: .pairing, "Requests and devices.", result: "{pending[], paired[]}"),
        MethodDescriptor(
            "device.pair.approve", scope: .pairing, "Lets a device in.", parameters: [requestId],
            result: "{requestId, device}"),
        MethodDescriptor(
            "device.pair.reject", scope: .pairing, "Turns a request down.", parameters: [requestId],
            result: "{requestId, deviceId}"),
        MethodDescriptor(
            "device.pair.remove", scope: .pairing, "Forgets a device and closes its connections.",
            parameters: [deviceId], result: "{deviceId, removed}"),
        MethodDescriptor(
            "device.token.rotate", scope: .pairing, "Gives a device a new token; the old one ends at once.",
            parameters: [deviceId, role, .optional("scopes", .array(.string()))],
            result: "{deviceId, role, token, scopes[], rotatedAtMs}"),
        MethodDescriptor(
            "device.token.revoke", scope: .pairing, "Ends a device's token.", parameters: [deviceId, role],
            result: "{deviceId, role, revokedAtMs}"),
    ]
}
