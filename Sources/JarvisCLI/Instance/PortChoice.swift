import JarvisCore
import JarvisHost

/// The base port of an instance beside its siblings.
struct PortChoice {
    let context: CLIContext
    let instance: Instance

    private func siblings() throws -> [SiblingInstance] {
        try InstanceScanner.siblings(
            of: instance, environment: context.environment, configuredPort: context.configuredPort)
    }

    private static func ports(_ sibling: SiblingInstance) -> [Int] {
        var ports = sibling.configuredPort.map { [$0] } ?? []
        if sibling.isRunning, let running = sibling.runtime?.port, !ports.contains(running) { ports.append(running) }
        return ports
    }

    /// Passes when no sibling owns `port` or a port nearer than 20.
    ///
    /// - Throws: `port.sibling`, exit 2, with the sibling and a port that is free; `port.range`.
    func check(_ port: Int) throws {
        let span = try PortSpan(base: port)
        for sibling in try siblings() {
            for other in Self.ports(sibling) where span.spacing(to: other) == .tooClose {
                let free = try propose()
                throw JarvisError(
                    "port.sibling",
                    "Port \(port) is too close to \(other), which belongs to the gateway \"\(sibling.displayName)\": bases"
                        + " must lie at least \(PortSpan.leastSpacing) apart.",
                    hint: free.map { "Free is for example \($0)." },
                    metadata: ["port": String(port), "sibling": sibling.displayName], exitCode: 2)
            }
        }
    }

    /// A base whose whole span no sibling touches and on which nothing listens; nil when no block is left.
    func propose() throws -> Int? {
        let taken = try siblings().flatMap(Self.ports)
        // The default instance keeps its well-known port even while some program uses it: clients know it by heart.
        let checksListeners = instance.profile != nil
        return PortPlan.propose(
            for: instance.profile, taken: taken, ephemeralStart: PortPlan.ephemeralStart(),
            isFree: { !checksListeners || PortPlan.isFree($0) })
    }

    /// What the owner should know about `port`.
    func notes(_ port: Int) throws -> [String] {
        var notes: [String] = []
        for sibling in try siblings() {
            for other in Self.ports(sibling) {
                switch try PortSpan(base: port).spacing(to: other) {
                case .clear: break
                case .tooClose:
                    notes.append("port \(port) is too close to \(other) of \"\(sibling.displayName)\"")
                case .shared(let count):
                    notes.append(
                        "\(count) browser profiles fit between port \(port) and \(other) of \"\(sibling.displayName)\"")
                }
            }
        }
        return notes
    }
}
