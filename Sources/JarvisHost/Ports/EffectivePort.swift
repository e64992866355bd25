import JarvisCore

/// The base port that counts, and where it came from.
package struct EffectivePort: Sendable, Hashable {
    /// The port, 1 to 65535.
    package var value: Int
    /// Where it came from.
    package var source: ValueSource

    /// A port from `source`.
    package init(value: Int, source: ValueSource) {
        self.value = value
        self.source = source
    }
}

extension Instance {
    /// The base port: `--port` → `JARVIS_GATEWAY_PORT` (not one inherited from another instance) → `gateway.port` →
    /// `proposed` → `defaultPort`.
    ///
    /// - Parameters:
    ///   - flag: the value of `--port`.
    ///   - configured: `gateway.port` of this instance's configuration.
    ///   - proposed: what `PortPlan.propose` found free, for an instance that is just being set up.
    /// - Throws: `port.invalid`, exit 2, naming value and place, when the first one that is set is no port.
    package func resolvePort(
        flag: Int? = nil, configured: Int? = nil, proposed: Int? = nil
    ) throws(JarvisError) -> EffectivePort {
        if let flag { return try Self.checked(flag, String(flag), .flag("--port")) }
        if let portVariable {
            return try Self.checked(Int(portVariable), portVariable, .env("JARVIS_GATEWAY_PORT"))
        }
        if let configured { return try Self.checked(configured, String(configured), .config("gateway.port")) }
        return EffectivePort(value: proposed ?? defaultPort, source: .default)
    }

    private static func checked(_ port: Int?, _ text: String, _ source: ValueSource) throws(JarvisError)
        -> EffectivePort
    {
        guard let port, (1...65_535).contains(port) else {
            throw JarvisError(
                "port.invalid", "\(source): “\(text.prefix(40))” is no port. A port is a number from 1 to 65535.",
                hint: "For example --port \(PortPlan.defaultBase).", metadata: ["value": String(text.prefix(40))],
                exitCode: 2)
        }
        return EffectivePort(value: port, source: source)
    }
}
