import ArgumentParser
import JarvisConfig
import JarvisCore
import JarvisHost

/// `jarvis debug lease`: takes and gives back leases in the name of an instance.
struct DebugLeaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lease",
        abstract: "Take or give back a lease in the name of the instance.",
        discussion: """
            Example:
              jarvis --profile one debug lease identity 0a1b2c --purpose telegram:main
              jarvis --profile one debug lease browser work
              jarvis --profile one debug lease many 100
            """)

    @Argument(help: "identity, name, browser (a port for a browser profile), or many (so many writes of the table).")
    var kind: String

    @Argument(help: "The value; for browser the profile's name; for many the number.")
    var value: String

    @Option(help: "What for.")
    var purpose: String = "test"

    @Option(help: "browser: the port that the configuration names.")
    var pinned: Int?

    @Flag(help: "browser: the leased port is in use by a stranger.")
    var relocate = false

    @Flag(help: "Give it back.")
    var release = false

    func run() throws {
        let context = CLIContext.current
        let instance = try context.existingInstance()
        guard let identity = try InstanceIdentity.load(stateDirectory: instance.stateDirectory) else {
            throw JarvisError("instance.missing", "the instance has no identity yet", exitCode: 2)
        }
        let holder = LeaseHolder(instance, identity)
        let store = try context.leases()
        switch kind {
        case "browser" where release: try store.releaseBrowserPort(for: holder, profile: value)
        case "browser":
            let configured = context.configStore(instance).load().config.gateway.port
            let base = try instance.resolvePort(configured: configured).value
            let port = try store.leaseBrowserPort(
                for: holder, base: base, profile: value, pinned: pinned, relocate: relocate)
            Terminal.write("\(port)\n")
        case "many":
            for index in 0..<(Int(value) ?? 0) {
                try store.lease(.name, "\(instance.displayName)-\(index)", for: holder, purpose: purpose)
                try store.release(.name, "\(instance.displayName)-\(index)", for: holder)
            }
        case _ where release: try store.release(Lease.Kind(rawValue: kind), value, for: holder)
        default: try store.lease(Lease.Kind(rawValue: kind), value, for: holder, purpose: purpose)
        }
    }
}
