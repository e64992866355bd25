/// An instance found on disk. What it says about the process is a hint.
package struct SiblingInstance: Sendable, Hashable {
    /// The profile; nil for the default instance.
    package var profile: ProfileName?
    /// The state directory.
    package var stateDirectory: String
    /// The configuration at its usual place, or the one its gateway runs with.
    package var configPath: String
    /// Whether that file exists.
    package var hasConfig: Bool
    /// The instance's id; nil when it has none yet or it can't be read.
    package var instanceId: String?
    /// `gateway.port` of that configuration; nil when it names none.
    package var configuredPort: Int?
    /// What its gateway wrote when it started; may be left from a dead one.
    package var runtime: RuntimeFile?
    /// Whether a gateway holds the lock on its state directory.
    package var isRunning: Bool

    /// `default` or the profile's name.
    package var displayName: String { profile?.text ?? "default" }

    /// The base port that it uses while it runs, else the one it will use.
    package var port: Int? { isRunning ? runtime?.port ?? configuredPort : configuredPort }
}
