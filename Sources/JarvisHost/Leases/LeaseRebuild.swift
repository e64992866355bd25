import JarvisConfig
import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Makes a lease table from the instances under the home, when there is none. Claims on single things come back when
/// their holders take them again.
enum LeaseRebuild {
    static func table(environment: HostEnvironment) -> LeaseTable {
        var table = LeaseTable()
        let found = try? InstanceScanner.inHome(  // no home: nothing lies there
            environment: environment, configuredPort: { configuredPort($0, environment: environment) })
        let home = (try? environment.home().path) ?? ""  // likewise
        for sibling in found ?? [] { table.put(record(sibling, home: home, environment: environment)) }
        return withoutCopies(table)
    }

    /// `gateway.port` of a configuration file; nil when it names none or can't be read.
    static func configuredPort(_ path: String, environment: HostEnvironment) -> Int? {
        ConfigLoader.load(path: path, stateDirectory: nil, environment: environment.variables).config.gateway.port
    }

    private static func record(
        _ sibling: SiblingInstance, home: String, environment: HostEnvironment
    ) -> RegisteredInstance {
        var record = RegisteredInstance(
            stateDirectory: environment.canonicalize(sibling.stateDirectory), instanceId: sibling.instanceId ?? "",
            profile: sibling.displayName, configPath: environment.canonicalize(sibling.configPath),
            base: sibling.configuredPort ?? (sibling.hasConfig ? PortPlan.firstGuess(sibling.profile) : 0), home: home,
            command: sibling.profile.map { "jarvis --profile \($0)" } ?? "jarvis")
        if sibling.isRunning, let runtime = sibling.runtime { record.liveBase = runtime.port }
        return record
    }

    /// Of several directories with one id the one whose `instance.json` changed first keeps it: a copy is younger.
    private static func withoutCopies(_ table: LeaseTable) -> LeaseTable {
        var table = table
        let groups = Dictionary(grouping: table.instances.filter { !$0.instanceId.isEmpty }, by: \.instanceId)
        for group in groups.values where group.count > 1 {
            let original = group.min { madeAt($0) < madeAt($1) }
            for var copy in group where copy.stateDirectory != original?.stateDirectory {
                copy.instanceId = ""
                table.put(copy)
            }
        }
        return table
    }

    private static func madeAt(_ record: RegisteredInstance) -> Int64 {
        var status = stat()
        guard lstat(HostPath.join(record.stateDirectory, "instance.json"), &status) == 0 else { return .max }
        #if canImport(Darwin)
            let time = status.st_ctimespec
        #else
            let time = status.st_ctim
        #endif
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
