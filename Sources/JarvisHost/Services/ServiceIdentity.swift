import JarvisCore

/// A service is for one instance: when its state directory now holds another one, it must not run that.
package enum ServiceIdentity {
    /// Passes unless the environment names the state directory of `instance` together with the id of another instance.
    ///
    /// - Throws: `service.stale`, exit 78; `instance.identity`, exit 78.
    package static func check(_ instance: Instance, environment: HostEnvironment) throws(JarvisError) {
        guard environment["JARVIS_SERVICE_KIND"] == "gateway", let meant = environment["JARVIS_INSTANCE_ID"],
            let state = environment["JARVIS_STATE_DIR"],
            environment.canonicalize(state) == instance.canonicalStateDirectory
        else { return }
        let identity = try InstanceIdentity.load(stateDirectory: instance.stateDirectory)
        guard identity?.instanceId != meant else { return }
        let found = identity.map { "instance \($0.instanceId.prefix(8))" } ?? "no instance"
        throw JarvisError(
            "service.stale",
            "This service is for instance \(meant.prefix(8)), but \(instance.stateDirectory) holds \(found).",
            hint: "Remove the service with: \(instance.command) gateway uninstall; then install it again.",
            metadata: ["stateDirectory": instance.stateDirectory, "instanceId": meant], exitCode: 78)
    }
}
