import JarvisCore

/// What is known of the host besides its instances; read once, used for every footprint.
package struct FleetHost: Sendable {
    /// Ports and other things that instances hold by lease, by canonical state directory.
    package var leased: [String: [Claim]]
    /// Services, and the names of services, by canonical state directory.
    package var services: [String: [Claim]]
    /// Every service of this program on the host, with the state directories of the instances that it starts.
    package var installed: [(service: InstalledService, instances: Set<String>)]
    /// The host directory.
    package var directory: String
    /// The lease table as it is on disk.
    package var table: LeaseTable
    /// Whether it could be read.
    package var condition: LeaseStore.Condition

    /// Nothing known.
    package init() {
        leased = [:]
        services = [:]
        installed = []
        directory = ""
        table = LeaseTable()
        condition = .missing
    }

    /// Reads leases and services. What can't be read counts as empty: the check then sees less, never something wrong.
    ///
    /// - Throws: `home.missing`, `home.relative`; exit 2.
    package static func read(environment: HostEnvironment, instances: [Instance]) throws(JarvisError) -> FleetHost {
        var host = FleetHost()
        let store = try LeaseStore(environment: environment)
        host.directory = store.directory
        (host.table, host.condition) = store.load()
        host.readLeases()
        host.readServices(environment: environment, instances: instances)
        return host
    }

    /// Ports and data that are held at present; what only repeats the configuration is read from there.
    private mutating func readLeases() {
        for lease in table.leases where lease.holder.isAlive {
            let purpose = "lease: \(lease.purpose)"
            switch lease.kind {
            case .port: leased[lease.stateDirectory, default: []].append(Claim(.port, lease.value, purpose))
            case .name: leased[lease.stateDirectory, default: []].append(Claim(.name, lease.value, purpose))
            case .browser:
                leased[lease.stateDirectory, default: []].append(Claim(.browser, path: lease.value, .tree, purpose))
            default: continue
            }
        }
    }

    private mutating func readServices(environment: HostEnvironment, instances: [Instance]) {
        var byId: [String: Set<String>] = [:]
        for instance in instances {
            if let id = environment.instanceIdAt(instance.stateDirectory) {
                byId[id, default: []].insert(instance.canonicalStateDirectory)
            }
        }
        let known = Set(instances.map(\.canonicalStateDirectory))
        for service in ServiceScan.installed(environment: environment, includeSystem: true) {
            var owners = service.instanceId.flatMap { byId[$0] } ?? []
            if let state = service.stateDirectory.map(environment.canonicalize), known.contains(state) {
                // A copied directory has the id of the original; then the service's own words decide.
                if owners.count > 1 { owners = [] }
                owners.insert(state)
            }
            installed.append((service, owners))
            for instance in instances { note(service, owners: owners, for: instance) }
        }
    }

    private mutating func note(_ service: InstalledService, owners: Set<String>, for instance: Instance) {
        let place = instance.canonicalStateDirectory
        let isNamedAfter = ServiceNames(instance).name(for: service.manager) == service.name
        let isOwner = owners.contains(place)
        guard isNamedAfter || isOwner else { return }
        // Two instances of one name (the default one, and one with a directory of its own choice) want one unit: only
        // one can have it, which is no harm as long as the other has no service.
        let rightful = service.profile ?? "default"
        let isActive = isOwner || instance.displayName != rightful
        let title = "\(service.manager.rawValue) \(service.name)"
        services[place, default: []].append(
            Claim(
                .unit, title,
                isOwner ? "service (\(service.path))" : "the name of its own service (\(service.path))",
                isActive: isActive))
        guard isOwner else { return }
        if let port = service.port {
            services[place, default: []].append(Claim(.port, String(port), "port of the service (\(service.path))"))
        }
        if let config = service.configPath {
            services[place, default: []].append(
                Claim(.config, path: config, .file, "configuration of the service (\(service.path))"))
        }
    }
}
