import JarvisConfig
import JarvisCore
import JarvisHost

/// What is known of an instance without asking its gateway. Reads only.
struct InstanceFacts {
    let instance: Instance
    let config: Config
    /// Whether a gateway holds the state directory.
    let isRunning: Bool
    /// What it wrote when it started; may be left from a dead one.
    let runtime: RuntimeFile?
    /// The permanent id; nil before the first setup or start.
    let instanceId: String?

    init(context: CLIContext, instance: Instance, config: Config) {
        self.instance = instance
        self.config = config
        isRunning = StateDirectoryLock.isHolderAlive(stateDirectory: instance.stateDirectory)
        runtime = RuntimeFile.read(instance.paths)
        // A broken identity is the gateway's business to refuse; here it is only not shown.
        instanceId = (try? InstanceIdentity.load(stateDirectory: instance.stateDirectory))?.instanceId  // see above
    }

    /// The port that the running gateway has, else the one that the next start takes.
    ///
    /// - Throws: `port.invalid`, exit 2.
    func port() throws -> EffectivePort {
        if isRunning, let runtime, runtime.isNote(of: instanceId) {
            return EffectivePort(value: runtime.port, source: .derived("the running gateway"))
        }
        return try instance.resolvePort(configured: config.gateway.port)
    }

    var color: InstanceColor { .of(instanceId: instanceId, name: instance.displayName) }
}
