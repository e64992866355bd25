import JarvisCore

/// A service of this program as its file describes it. Whose it is, `instanceId` says, never its name.
package struct InstalledService: Sendable, Hashable {
    /// Who runs it.
    package var manager: ServiceManagerKind
    /// Whose it is.
    package var scope: ServiceScope
    /// The unit, label or task name.
    package var name: String
    /// The file that defines it, absolute.
    package var path: String
    /// The instance id that it carries; nil when it carries none.
    package var instanceId: String?
    /// `default` or the profile that it carries; nil when it carries none.
    package var profile: String?
    /// The state directory that it carries.
    package var stateDirectory: String?
    /// The configuration file that it carries.
    package var configPath: String?
    /// The program that it starts, absolute.
    package var executable: String?
    /// The program and its arguments.
    package var arguments: [String]
    /// The environment variables that it sets.
    package var environment: [String: String]
    /// The working directory that it sets.
    package var workingDirectory: String?
    /// The version that wrote it.
    package var version: String?
    /// `--port` among its arguments, else `JARVIS_GATEWAY_PORT` of its environment.
    package var port: Int?

    /// A service with what its file says. Identity, version and port are read from `arguments` and `environment`.
    package init(
        manager: ServiceManagerKind, scope: ServiceScope, name: String, path: String, arguments: [String] = [],
        environment: [String: String] = [:], workingDirectory: String? = nil
    ) {
        self.manager = manager
        self.scope = scope
        self.name = name
        self.path = path
        self.arguments = arguments
        self.environment = environment
        self.workingDirectory = workingDirectory
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        instanceId = value("JARVIS_INSTANCE_ID")
        profile = value("JARVIS_PROFILE")
        stateDirectory = value("JARVIS_STATE_DIR")
        configPath = value("JARVIS_CONFIG_PATH")
        version = value("JARVIS_SERVICE_VERSION")
        executable = arguments.first
        var port = value("JARVIS_GATEWAY_PORT").flatMap(Int.init)
        for (index, word) in arguments.enumerated() {
            if word == "--port", index + 1 < arguments.count { port = Int(arguments[index + 1]) ?? port }
            if word.hasPrefix("--port=") { port = Int(word.dropFirst("--port=".count)) ?? port }
        }
        self.port = port
    }

    /// Whether it was made by this program for a gateway.
    package var isOwn: Bool {
        environment["JARVIS_SERVICE_MARKER"] == "jarvis" && environment["JARVIS_SERVICE_KIND"] ?? "gateway" == "gateway"
    }

    /// Whether it belongs to the instance with this id. A service without an id belongs to nobody.
    package func belongs(to instanceId: String?) -> Bool { instanceId != nil && self.instanceId == instanceId }

    /// For `--json` output; variables that are no part of the identity are left out.
    package var json: JSONValue {
        .members([
            "manager": .string(manager.rawValue), "scope": .string(scope.rawValue), "name": .string(name),
            "path": .string(path), "instanceId": instanceId.map(JSONValue.string),
            "profile": profile.map(JSONValue.string), "stateDir": stateDirectory.map(JSONValue.string),
            "configPath": configPath.map(JSONValue.string), "executable": executable.map(JSONValue.string),
            "version": version.map(JSONValue.string), "port": port.map { JSONValue($0) },
        ])
    }
}
