import Dispatch
import JarvisBrowser
import JarvisConfig
import JarvisCore
import JarvisHost
import JarvisSystem
import Logging
import NIOCore
import Synchronization

/// Gives browsers what they need from this gateway and this host. Making it starts nothing and reads nothing.
struct BrowserComposition: Sendable {
    let instance: Instance
    let environment: HostEnvironment
    let configStore: ConfigStore
    let leases: LeaseStore
    let holder: LeaseHolder
    /// The base port that is served.
    let base: Int
    let clock: WallClock
    let logger: Logger
    /// Puts a configuration that was just written in force.
    let adopt: @Sendable (ConfigSnapshot) async -> Void

    init(
        launch: GatewayLaunch, identity: InstanceIdentity, configStore: ConfigStore, base: Int,
        adopt: @escaping @Sendable (ConfigSnapshot) async -> Void
    ) throws {
        instance = launch.instance
        environment = launch.environment
        self.configStore = configStore
        leases = try Holdings.leaseStore(launch)
        holder = LeaseHolder(launch.instance, identity)
        self.base = base
        clock = launch.clock
        logger = launch.logger
        self.adopt = adopt
    }

    func host(tree: ChildTree, group: any EventLoopGroup) -> BrowserHost {
        var host = BrowserHost(
            tree: tree, environment: environment.childVariables(), group: group, logger: logger)
        host.command = instance.command
        host.started = {
            group.next().scheduleTask(in: .seconds(5)) { DispatchQueue.global().async { HeapTrim.afterStart() } }
        }
        addOwners(&host)
        addLeases(&host)
        host.deniedPorts = DeniedPorts(leases: leases, base: base).current
        host.saveProfile = { [self] entry in
            try await write { try configStore.set(path(entry.name), to: entry.json, actor: "browser") }
        }
        host.removeProfile = { [self] name in
            do {
                try await write { try configStore.unset(path(name), actor: "browser") }
            } catch let error as BrowserError where error.code == "config.notFound" {
                // Somebody took it out meanwhile, which is what was wanted.
            }
        }
        let trash = InstanceTrash(instance.paths, clock: clock)
        host.moveToTrash = { profile, directory in
            do {
                return try await Blocking.run { try trash.put(directory, as: "browser-\(profile)") }
            } catch {
                throw BrowserError(
                    500, "trash",
                    "The user data \(directory) can't be moved to the trash at \(trash.directory): \(error)")
            }
        }
        return host
    }

    /// The processes of the other gateways of this user, which may have been started by an agent of this one. Blocks.
    @Sendable func otherGateways() -> Set<Int32> {
        let places = leases.read().instances.map(\.stateDirectory).filter { $0 != holder.stateDirectory }
        return Set(places.compactMap { DirectoryLock.holderPid(of: $0) })
    }

    // MARK: Leases

    private func addLeases(_ host: inout BrowserHost) {
        let (leases, holder, base, environment) = (leases, holder, base, environment)
        host.leasePort = { profile, pinned, relocate in
            try await Self.leasing(409, "port_taken") {
                try leases.leaseBrowserPort(
                    for: holder, base: base, profile: profile, pinned: pinned, relocate: relocate)
            }
        }
        host.releasePort = { [logger] profile in
            await Self.releasing(logger) { try leases.releaseBrowserPort(for: holder, profile: profile) }
        }
        let directoryOwner = host.directoryOwner
        host.leaseDirectory = { profile, directory in
            if let owner = await directoryOwner(directory) {
                throw BrowserError(
                    409, "directory_taken",
                    "The user-data directory \(directory) of browser profile \"\(profile)\" belongs to \(owner).")
            }
            try await Self.leasing(409, "directory_taken") {
                try leases.lease(
                    .browser, environment.canonicalize(directory), for: holder, purpose: "browser:\(profile)")
            }
        }
        host.releaseDirectory = { [logger] directory in
            await Self.releasing(logger) {
                try leases.release(.browser, environment.canonicalize(directory), for: holder)
            }
        }
        host.leaseEndpoint = { profile, endpoint in
            try await Self.leasing(409, "address_taken") {
                try leases.lease(.name, "cdp:\(endpoint)", for: holder, purpose: "browser:\(profile)")
            }
        }
        host.releaseEndpoint = { [logger] endpoint in
            await Self.releasing(logger) { try leases.release(.name, "cdp:\(endpoint)", for: holder) }
        }
    }

    /// Takes a lease off the loop, and says in the browser's words why it can't be had.
    private static func leasing<T: Sendable>(
        _ status: Int, _ code: String, _ body: @escaping @Sendable () throws -> T
    ) async throws -> T {
        do {
            return try await Blocking.run(body)
        } catch let error as JarvisError {
            let message = error.message + (error.hint.map { " \($0)" } ?? "")
            switch error.code {
            case "browser.port_none": throw BrowserError(507, "no_port", message)
            case "browser.port_taken", "lease.held": throw BrowserError(status, code, message)
            default: throw BrowserError(500, "leases", message)
            }
        }
    }

    private static func releasing(_ logger: Logger, _ body: @escaping @Sendable () throws -> Void) async {
        do {
            try await Blocking.run(body)
        } catch {
            // It ends with the gateway at the latest: a lease lives as long as its holder.
            logger.warning("lease of a browser not given back", metadata: ["error": "\(error)"])
        }
    }

    // MARK: Owners

    private func addOwners(_ host: inout BrowserHost) {
        let (leases, own, environment) = (leases, holder.stateDirectory, environment)
        host.instanceTitle = { id in
            await Self.asking {
                leases.read().instances.first { !$0.instanceId.isEmpty && $0.instanceId == id }.map {
                    "the gateway \($0.title)"
                }
            }
        }
        host.portOwner = { port in
            await Self.asking {
                let table = leases.read()
                let lease = table.leases.first { $0.port == port && $0.stateDirectory != own }
                if let lease, lease.holder.isAlive {
                    return
                        "\(lease.purpose) of the gateway \(table[lease.stateDirectory]?.title ?? lease.stateDirectory)"
                }
                return table.instances.first { other in
                    let bases = [other.base, other.liveBase ?? 0].filter { $0 > 0 }
                    return other.stateDirectory != own && bases.contains { $0 == port || $0 + 2 == port }
                }.map { "the gateway \($0.title)" }
            }
        }
        host.directoryOwner = { directory in
            await Self.asking {
                let place = environment.canonicalize(directory)
                let table = leases.read()
                let inside = table.instances.first {
                    $0.stateDirectory != own && (place == $0.stateDirectory || place.hasPrefix($0.stateDirectory + "/"))
                }
                if let inside { return "the gateway \(inside.title)" }
                let lease = table.leases.first {
                    $0.kind == .browser && $0.value == place && $0.stateDirectory != own && $0.holder.isAlive
                }
                return lease.map {
                    "\($0.purpose) of the gateway \(table[$0.stateDirectory]?.title ?? $0.stateDirectory)"
                }
            }
        }
    }

    private static func asking(_ body: @escaping @Sendable () -> String?) async -> String? {
        let answer = try? await Blocking.run(body)  // never throws
        return answer ?? nil
    }

    // MARK: Configuration

    private func path(_ name: String) -> ConfigPath { ConfigPath("browser", "profiles", name) }

    private func write(_ body: @escaping @Sendable () throws -> ConfigWriteResult) async throws {
        do {
            let result = try await Blocking.run(body)
            await adopt(result.snapshot)
        } catch let error as JarvisError {
            let hint = error.hint.map { " \($0)" } ?? ""
            throw BrowserError(
                error.code == "config.invalid" ? 409 : 500, error.code.rawValue,
                "The configuration was not changed: \(error.message)\(hint)")
        }
    }
}

extension BrowserSettings.Profile {
    /// What stands in the configuration for a new profile.
    fileprivate var json: JSONValue {
        var object: JSONObject = [:]
        if driver != .jarvis { object["driver"] = .string(driver.rawValue) }
        if let cdpUrlText { object["cdpUrl"] = .string(cdpUrlText) }
        if let userDataDir { object["userDataDir"] = .string(userDataDir) }
        if let color { object["color"] = .string(color) }
        return .object(object)
    }
}

/// The ports of this host that no page may open: those of all gateways and of their browsers. Read from the lease table
/// at most once a second.
private final class DeniedPorts: Sendable {
    private let leases: LeaseStore
    private let base: Int
    private let known = Mutex<(ports: Set<Int>, at: ContinuousClock.Instant)?>(nil)

    init(leases: LeaseStore, base: Int) {
        self.leases = leases
        self.base = base
    }

    /// Blocks for a read of a small file now and then.
    @Sendable func current() -> Set<Int> {
        known.withLock { known in
            let now = ContinuousClock.now
            if let known, known.at.duration(to: now) < .seconds(1) { return known.ports }
            let table = leases.read()
            var ports: Set<Int> = [base, base + 2]
            for other in table.instances {
                for base in [other.base, other.liveBase ?? 0] where base > 0 { ports.formUnion([base, base + 2]) }
            }
            ports.formUnion(table.leases.compactMap(\.port))
            known = (ports, now)
            return ports
        }
    }
}
