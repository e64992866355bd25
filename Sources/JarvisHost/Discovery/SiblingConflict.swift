import JarvisCore

/// What a gateway that starts must not share with one that runs: ports and the configuration file. State directory and
/// workspace have locks of their own.
package enum SiblingConflict {
    /// Passes when no running sibling uses `port`, a port nearer than `PortSpan.leastSpacing`, or the configuration of
    /// `instance`. Siblings that don't run are no obstacle: a port that is only written down must not stop a gateway.
    ///
    /// - Throws: all exit 78, naming the sibling: `gateway.port_in_use`, `gateway.port_too_close`, `config.shared`;
    ///   `port.range`, exit 2.
    package static func check(
        port: Int, instance: Instance, siblings: [SiblingInstance], environment: HostEnvironment
    ) throws(JarvisError) {
        let span = try PortSpan(base: port)
        let config = environment.canonicalize(instance.configPath)
        for sibling in siblings where sibling.isRunning {
            guard let runtime = sibling.runtime, runtime.isWriterAlive else { continue }
            let name = "the gateway “\(sibling.displayName)” (\(sibling.stateDirectory), pid \(runtime.pid))"
            let metadata = ["sibling": sibling.displayName, "port": String(port)]
            if environment.canonicalize(runtime.configPath) == config {
                throw JarvisError(
                    "config.shared", "The configuration \(instance.configPath) is in use by \(name).",
                    hint: "Give each gateway its own: unset JARVIS_CONFIG_PATH, or let it name another file.",
                    metadata: metadata, exitCode: 78)
            }
            let hint =
                "\(instance.command) gateway --port <another>, at least \(PortSpan.leastSpacing) away from"
                + " \(runtime.port)"
            if runtime.port == port {
                let host = runtime.bindHost.contains(":") ? "[\(runtime.bindHost)]" : runtime.bindHost
                throw JarvisError(
                    "gateway.port_in_use",
                    "another gateway instance is already listening on ws://\(host):\(port): \(name)",
                    hint: hint, metadata: metadata, exitCode: 78)
            }
            if span.spacing(to: runtime.port) == .tooClose {
                throw JarvisError(
                    "gateway.port_too_close",
                    "Port \(port) is too close to \(runtime.port) of \(name): base ports must lie at least"
                        + " \(PortSpan.leastSpacing) apart, so that the ports derived from them don't meet.",
                    hint: hint, metadata: metadata, exitCode: 78)
            }
        }
    }
}
