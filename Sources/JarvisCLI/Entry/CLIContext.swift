import JarvisConfig
import JarvisCore
import JarvisHost

/// What every command can ask for.
final class CLIContext: Sendable {
    /// The context of the command that runs.
    @TaskLocal static var current = CLIContext(globals: GlobalArguments(), environment: .current())

    let globals: GlobalArguments
    let environment: HostEnvironment
    let terminal: Terminal

    init(globals: GlobalArguments, environment: HostEnvironment) {
        self.globals = globals
        self.environment = environment
        terminal = Terminal(noColor: globals.noColor, environment: environment)
    }

    /// The gateway that the flags and the environment mean. Creates nothing.
    func instance() throws -> Instance {
        try InstanceResolver.resolve(selection: globals.selection, environment: environment)
    }

    /// The same, for commands that only read: an instance that was never set up is an error with a suggestion.
    func existingInstance() throws -> Instance {
        let instance = try instance()
        try InstanceScanner.requireExisting(instance, environment: environment)
        return instance
    }

    func configStore(_ instance: Instance) -> ConfigStore {
        ConfigStore(
            path: instance.configPath, stateDirectory: instance.stateDirectory, environment: environment.variables,
            version: Version.text)
    }

    /// `gateway.port` of a configuration file, for the scan of siblings.
    func configuredPort(_ path: String) -> Int? {
        ConfigLoader.load(path: path, stateDirectory: nil, environment: environment.variables).config.gateway.port
    }

    /// The lease table of this user; what the owner should know about it goes to stderr.
    ///
    /// - Throws: `home.missing`, `home.relative`, `path.invalid`; exit 2.
    func leases() throws -> LeaseStore {
        var leases = try LeaseStore(environment: environment)
        leases.note = { Terminal.error("note: \($0)") }
        return leases
    }

    /// A path from the command line: `~` is the home, a relative one starts in the current directory.
    ///
    /// - Throws: `home.missing` when the path needs a home and there is none.
    func absolutePath(_ text: String) throws -> String {
        if text == "~" { return try environment.home().path }
        if text.hasPrefix("~/") { return HostPath.join(try environment.home().path, String(text.dropFirst(2))) }
        return HostPath.normalize(text.hasPrefix("/") ? text : HostPath.join(environment.currentDirectory, text))
    }
}
