import JarvisConfig
import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What all checks share: the host as it was when the doctor began.
package struct DoctorContext: Sendable {
    /// The process environment.
    package let environment: HostEnvironment
    /// The version of this program.
    package let version: String
    /// Whether to look longer: at everything in the state directory and at services that others made.
    package let isDeep: Bool
    /// Whether a unit that was edited by hand may be written anew.
    package let isForced: Bool
    /// Leases and services.
    package let host: FleetHost
    /// Everybody's footprint.
    package let footprints: [Footprint]
    /// What two instances share.
    package let overlaps: [Overlap]
    /// The time.
    package let now: EpochMilliseconds

    /// Looks at the host.
    ///
    /// - Throws: `home.missing`, `home.relative`; exit 2.
    package init(
        environment: HostEnvironment, version: String, isDeep: Bool, isForced: Bool = false,
        including instance: Instance? = nil, clock: WallClock = .system
    ) throws(JarvisError) {
        self.environment = environment
        self.version = version
        self.isDeep = isDeep
        self.isForced = isForced
        let fleet = try FleetCheck.survey(environment: environment, including: instance)
        host = fleet.host
        footprints = fleet.footprints
        overlaps = FleetCheck.overlaps(fleet.footprints)
        now = clock.now()
    }

    /// The footprints of all instances but this one.
    package func others(than instance: Instance) -> [Footprint] {
        footprints.filter { $0.instance.canonicalStateDirectory != instance.canonicalStateDirectory }
    }

    /// Runs every check on one instance, worst first within the order of the checks.
    package func examine(_ footprint: Footprint) -> [Finding] {
        let patient = Patient(footprint, context: self)
        let state = footprint.instance.stateDirectory
        // Of a directory that can't be entered nothing else is known; what follows from that is no finding.
        let isClosed = DurableFile.exists(state) && access(state, R_OK | X_OK) != 0
        let checks = isClosed ? [DoctorCheck.stateDirectory, DoctorCheck.permissions] : DoctorCheck.all
        return checks.flatMap { check in check.run(patient, self) }
    }
}

/// One instance under examination: what is known of it before any check.
package struct Patient: Sendable {
    /// All that it can touch.
    package let footprint: Footprint
    /// The instance.
    package var instance: Instance { footprint.instance }
    /// Its configuration, read as its gateway does.
    package let config: ConfigSnapshot
    /// Its identity; nil when it has none or it can't be read.
    package let identity: InstanceIdentity?
    /// Why the identity can't be read.
    package let identityError: JarvisError?
    /// What its last gateway wrote when it started.
    package let runtime: RuntimeFile?
    /// Whether somebody holds the lock on the state directory.
    package let isRunning: Bool
    /// What the running gateway proved and said; nil when none runs or it did not prove itself.
    package let attested: AttestedGateway?
    /// Why there is no proof although somebody holds the lock.
    package let refusal: JarvisError?
    /// Services that start this instance.
    package let services: [InstalledService]

    init(_ footprint: Footprint, context: DoctorContext) {
        self.footprint = footprint
        let instance = footprint.instance
        config = ConfigLoader.load(
            path: instance.configPath, stateDirectory: instance.stateDirectory,
            environment: context.environment.variables)
        var identity: InstanceIdentity?
        var failure: JarvisError?
        do throws(JarvisError) {
            identity = try InstanceIdentity.load(stateDirectory: instance.stateDirectory)
        } catch { failure = error }
        self.identity = identity
        identityError = failure
        runtime = RuntimeFile.read(instance.paths)
        isRunning = StateDirectoryLock.isHolderAlive(stateDirectory: instance.stateDirectory)
        var attested: AttestedGateway?
        var refusal: JarvisError?
        if isRunning {
            do throws(JarvisError) { attested = try ControlSocket.ask(instance) } catch { refusal = error }
        }
        self.attested = attested
        self.refusal = refusal
        let place = instance.canonicalStateDirectory
        services = context.host.installed.filter { $0.instances.contains(place) }.map(\.service)
    }

    /// The base port that the next start takes; nil when the configuration names one that is none.
    package var plannedPort: Int? {
        do throws(JarvisError) {
            return try instance.resolvePort(configured: config.config.gateway.port).value
        } catch {
            return nil
        }
    }

    /// The words that run another command on this instance.
    package func command(_ words: String) -> String { "\(instance.command) \(words)" }
}
