import ArgumentParser
import JarvisConfig
import JarvisCore
import JarvisHost

/// `jarvis doctor`.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Compare what is meant, what is installed and what runs; repair what is safe to repair.",
        discussion: """
            Looks at one gateway, or with --all at every gateway of this host. Other gateways are no problem and are \
            never touched: a repair names the one gateway that it is for, the files it touches and how to take it \
            back, and is refused when one of them belongs to another gateway or changed meanwhile. No repair signals a \
            process.

            Examples:
              jarvis doctor
              jarvis --profile rescue doctor --fix --dry-run
              jarvis doctor --all --fix --yes
              jarvis doctor --undo 1795374101312-a1b2c3

            Exit codes: 0 nothing is wrong, and what runs has answered; 1 something is wrong; 2 wrong usage.
            """)

    @Flag(help: "Look at every gateway of this host.")
    var all = false

    @Flag(name: [.long, .customLong("repair")], help: "Repair what can be repaired safely.")
    var fix = false

    @Flag(help: "Show the repairs and do none.")
    var dryRun = false

    @Flag(help: "Don't ask before repairs.")
    var yes = false

    @Flag(help: "Never ask; the same as --yes for repairs.")
    var nonInteractive = false

    @Flag(help: "Look longer: at every file of the state directory.")
    var deep = false

    @Flag(help: "Also write a unit anew that was edited by hand.")
    var force = false

    @Flag(help: "Make a gateway token when there is none.")
    var generateGatewayToken = false

    @Flag(help: "No effect: doctor suggests no workspace.")
    var noWorkspaceSuggestions = false

    @Option(help: ArgumentHelp("Take a repair back.", valueName: "id"))
    var undo: String?

    @OptionGroup var json: JSONOption

    mutating func validate() throws {
        if generateGatewayToken, all {
            throw ValidationError("--generate-gateway-token is for one gateway; leave --all away.")
        }
        if undo != nil, fix || all || dryRun {
            throw ValidationError("--undo takes back one repair of one gateway; leave the other options away.")
        }
    }

    func run() throws {
        let context = CLIContext.current
        let instance = all ? nil : try chosen(context)
        if let undo, let instance {
            try takeBack(undo, instance, context)
            return
        }
        if generateGatewayToken, let instance { try makeToken(instance, context) }
        var visit = try DoctorVisit(context: context, instance: instance, isDeep: deep, isForced: force)
        visit.examine()
        if fix || dryRun { try repair(&visit, context) }
        visit.output(terminal: context.terminal).show(json: json.isOn)
        if !visit.isHealthy { throw ExitCode(1) }
    }

    /// The instance that is meant; also one whose directory can't be read at present, which may be the fault to find.
    private func chosen(_ context: CLIContext) throws -> Instance {
        let instance = try context.instance()
        let lost = try InstanceScanner.unreadable(environment: context.environment)
        if lost.contains(where: { $0.stateDirectory == instance.stateDirectory }) { return instance }
        return try context.existingInstance()
    }

    /// Gives the gateway a token when clients are to prove themselves with one and there is none.
    private func makeToken(_ instance: Instance, _ context: CLIContext) throws {
        let store = context.configStore(instance)
        let auth = store.load().config.gateway.auth
        guard auth.effectiveMode == .token, auth.token == nil, !auth.isBroken else { return }
        let token = JSONValue.string(Identifiers.randomHex(bytes: 24))
        let written = try store.set(ConfigPath("gateway", "auth", "token"), to: token, actor: "doctor")
        Terminal.error(
            "made gateway.auth.token in \(instance.configPath)"
                + (written.undoId.map { "; undo: \(instance.command) config undo \($0)" } ?? ""))
    }

    private func repair(_ visit: inout DoctorVisit, _ context: CLIContext) throws {
        guard fix, !dryRun, !visit.plans.isEmpty else { return }
        if !yes, !nonInteractive, !json.isOn, context.terminal.canAsk {
            Terminal.write(DoctorVisit.describe(visit.plans) + "\n")
            guard try Question.confirm("Do this?", fallback: false) else { return }
        }
        // A repair may bring to light what lay behind it: a directory that could not be read.
        for _ in 0..<16 {
            let plans = visit.nextPlans
            guard !plans.isEmpty, visit.apply(plans) else { return }
            try visit.lookAgain()
            if visit.hasFailures { return }
        }
    }

    private func takeBack(_ id: String, _ instance: Instance, _ context: CLIContext) throws {
        let footprints = try FleetCheck.footprints(environment: context.environment, including: instance)
        let place = instance.canonicalStateDirectory
        guard let own = footprints.first(where: { $0.instance.canonicalStateDirectory == place }) else { return }
        let others = footprints.filter { $0.instance.canonicalStateDirectory != place }
        let paths = try FixUndo.restore(id, footprint: own, others: others)
        CommandOutput(
            json: [
                "ok": true, "instance": .string(instance.displayName), "stateDir": .string(instance.stateDirectory),
                "restored": JSONValue(paths), "next": .string("\(instance.command) doctor"),
            ],
            text: "Gateway \(instance.displayName): put back \(paths.joined(separator: ", "))"
                + "\nNext: \(instance.command) doctor"
        ).show(json: json.isOn)
    }
}
