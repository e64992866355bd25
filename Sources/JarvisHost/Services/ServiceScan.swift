import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Finds services of this program by reading definitions. Asks no service manager, so it is cheap and works anywhere.
package enum ServiceScan {
    private static let limit = 256 << 10
    private static let most = 4096

    /// The services of this program on this host: the user's, and with `includeSystem` the machine's too. What can't be
    /// read is left out.
    package static func installed(environment: HostEnvironment, includeSystem: Bool) -> [InstalledService] {
        all(environment: environment, includeSystem: includeSystem).filter(\.isOwn)
    }

    /// The services that carry the id of `instance`, in every domain. Empty for an instance without an identity.
    package static func of(_ instance: Instance, environment: HostEnvironment) -> [InstalledService] {
        let identity = try? InstanceIdentity.load(stateDirectory: instance.stateDirectory)  // unreadable owns nothing
        guard let identity else { return [] }
        return of(instanceId: identity.instanceId, environment: environment)
    }

    /// The services that carry `instanceId`, in every domain.
    package static func of(instanceId: String, environment: HostEnvironment) -> [InstalledService] {
        installed(environment: environment, includeSystem: true).filter { $0.belongs(to: instanceId) }
    }

    /// Every service of the searched places that starts something, whoever made it.
    package static func all(environment: HostEnvironment, includeSystem: Bool) -> [InstalledService] {
        let places = ServiceDirectories(environment: environment)
        var found = read(places.systemdUser, includeSystem, manager: .systemdUser, environment: environment)
        if includeSystem {
            found += read(places.systemdSystem, true, manager: .systemdSystem, environment: environment)
        }
        found += read(places.launchd, includeSystem, manager: .launchd, environment: environment)
        found += BuiltinServiceManager(environment: environment).installed()
        return found
    }

    /// The service that the file at `path` defines; nil when it is no definition that can be read.
    package static func read(_ path: String, manager: ServiceManagerKind, scope: ServiceScope) -> InstalledService? {
        let bytes = try? DurableFile.read(path, limit: limit)  // masked, gone or not ours to read: not there
        guard let bytes else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        let name = HostPath.lastComponent(path)
        switch manager {
        case .systemdUser, .systemdSystem:
            return SystemdUnitText.read(text, name: name, path: path, manager: manager, scope: scope)
        case .launchd: return LaunchdPlist.read(text, path: path, scope: scope)
        case .schtasks: return TaskDefinition.read(script: text, path: path)
        case .builtin: return nil
        }
    }

    private static func read(
        _ places: [ServiceDirectories.Place], _ includeSystem: Bool, manager: ServiceManagerKind,
        environment: HostEnvironment
    ) -> [InstalledService] {
        let ending = manager == .launchd ? ".plist" : ".service"
        var seen: Set<String> = []
        var found: [InstalledService] = []
        for place in places where includeSystem || place.scope != .system {
            guard seen.insert(environment.canonicalize(place.path)).inserted else { continue }
            for name in DirectoryNames.list(place.path, limit: most).sorted() where name.hasSuffix(ending) {
                let path = HostPath.join(place.path, name)
                if let service = read(path, manager: manager, scope: place.scope) { found.append(service) }
            }
        }
        return found
    }
}
