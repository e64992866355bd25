import JarvisCore

/// An instance that the built-in supervisor keeps: what to run, and whether it is wanted. One file each,
/// `<host dir>/supervisor/instances/<instance id>.json`, written by commands and read by the supervisor. Holds no
/// secret.
package struct SupervisedInstance: Sendable, Hashable {
    /// The instance.
    package var instanceId: String
    /// `default` or the profile's name.
    package var profile: String
    /// The state directory, absolute.
    package var stateDirectory: String
    /// The configuration file, absolute.
    package var configPath: String
    /// The program and its arguments.
    package var arguments: [String]
    /// The whole environment of the process.
    package var environment: [String: String]
    /// Its working directory.
    package var workingDirectory: String
    /// Whether it is wanted up.
    package var isWanted: Bool
    /// Goes up with every start and stop: a new one clears the latch of a parked instance.
    package var generation: Int

    /// What `unit` says, wanted or not.
    package init(_ unit: ServiceUnit, isWanted: Bool, generation: Int = 1) {
        instanceId = unit.instanceId
        profile = unit.profile
        stateDirectory = unit.stateDirectory
        configPath = unit.configPath
        arguments = unit.arguments
        environment = Dictionary(unit.environment.map { ($0.name, $0.value) }, uniquingKeysWith: { _, last in last })
        workingDirectory = unit.home
        self.isWanted = isWanted
        self.generation = generation
    }

    /// As the commands for services see it; `path` is the file.
    package func service(path: String) -> InstalledService {
        let name = ServiceNames(ProfileName(stateDirectoryName: ".jarvis-\(profile)")).name(for: .builtin)
        return InstalledService(
            manager: .builtin, scope: .user, name: name, path: path, arguments: arguments, environment: environment,
            workingDirectory: workingDirectory)
    }

    /// How to challenge its gateway.
    package var controlTarget: ControlTarget {
        let paths = InstancePaths(
            state: stateDirectory, canonicalState: HostPath.canonical(stateDirectory),
            socketFallbackDirectory: InstanceDraft.socketDirectory(HostEnvironment(variables: environment)))
        let command = ServiceSpelling.command(service(path: ""), "")
        return ControlTarget(
            stateDirectory: stateDirectory, socket: ControlTarget.socket(paths, instanceId: instanceId),
            displayName: profile, command: command.hasSuffix(" ") ? String(command.dropLast()) : command)
    }

    /// The file's content.
    package var json: JSONValue {
        let variables = environment.sorted { $0.key < $1.key }.map { ($0.key, JSONValue.string($0.value)) }
        return [
            "version": 1, "instanceId": .string(instanceId), "profile": .string(profile),
            "stateDir": .string(stateDirectory), "configPath": .string(configPath),
            "arguments": JSONValue(arguments),
            "environment": .object(JSONObject(variables, uniquingKeysWith: { _, last in last })),
            "workingDirectory": .string(workingDirectory), "wanted": .bool(isWanted),
            "generation": JSONValue(generation),
        ]
    }

    /// Reads one; nil for any other shape, for a relative path and for an id that is no file name.
    package init?(json: JSONValue) {
        guard let id = json["instanceId"]?.stringValue, InstancePaths.fileName(id) == id,
            let state = json["stateDir"]?.stringValue, state.hasPrefix("/"),
            let config = json["configPath"]?.stringValue, config.hasPrefix("/"),
            let arguments = json["arguments"]?.arrayValue?.compactMap(\.stringValue),
            arguments.first?.hasPrefix("/") == true
        else { return nil }
        instanceId = id
        profile = json["profile"]?.stringValue ?? "default"
        stateDirectory = state
        configPath = config
        self.arguments = arguments
        environment = (json["environment"]?.objectValue ?? [:]).reduce(into: [:]) { variables, member in
            variables[member.key] = member.value.stringValue
        }
        workingDirectory = json["workingDirectory"]?.stringValue ?? "/"
        isWanted = json["wanted"]?.boolValue ?? false
        generation = json["generation"]?.intValue ?? 1
    }
}
