@preconcurrency import Dispatch
import JarvisConfig
import JarvisCore
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Every instance of this user, running or not, as one list.
package enum InstanceCatalog {
    /// The most threads that challenge gateways at the same time.
    static let workers = 16

    /// Gathers: disk facts of every instance, and a challenge to each whose state directory is held, in parallel. Reads
    /// only. Default instance first, then by name, then by place. Blocks for at most about `deadline`.
    ///
    /// - Parameters:
    ///   - version: the version of this program, to compare with those that run; nil compares nothing.
    ///   - timeout: for one gateway. A stopped one is reported as not answering.
    ///   - deadline: for all together.
    /// - Throws: `home.missing`, `home.relative`, exit 2. Broken instances are listed, never thrown.
    package static func gather(
        environment: HostEnvironment, version: String? = nil, timeout: Duration = .milliseconds(1500),
        deadline: Duration = .seconds(3)
    ) throws(JarvisError) -> [InstanceReport] {
        let end = ContinuousClock.now + deadline
        let found = try InstanceScanner.all(environment: environment)
        let broken = try InstanceScanner.unreadable(environment: environment)
            .filter { lost in !found.contains { $0.stateDirectory == lost.stateDirectory } }
        let services = ServiceScan.installed(environment: environment, includeSystem: true)
        let probe = InstanceProbe(
            environment: environment, version: version, services: services, timeout: timeout, end: end)
        var reports = inParallel(found) { probe.report($0) } + broken.map { probe.unreadable($0) }
        InstanceComparison.mark(&reports)
        return reports.sorted { left, right in
            let names = (left.sibling.profile?.text ?? "", right.sibling.profile?.text ?? "")
            return names.0 == names.1 ? left.sibling.stateDirectory < right.sibling.stateDirectory : names.0 < names.1
        }
    }

    /// Maps on threads of their own: what blocks here must not hold up the cooperative pool.
    private static func inParallel<Input: Sendable, Output: Sendable>(
        _ inputs: [Input], _ body: @escaping @Sendable (Input) -> Output
    ) -> [Output] {
        guard inputs.count > 1 else { return inputs.map(body) }
        let state = Mutex((next: 0, outputs: [Output?](repeating: nil, count: inputs.count)))
        let group = DispatchGroup()
        for worker in 0..<min(workers, inputs.count) {
            // A serial queue has a thread of its own, however many of them block.
            DispatchQueue(label: "instances-\(worker)").async(group: group) {
                while true {
                    let index = state.withLock { state in
                        defer { state.next += 1 }
                        return state.next
                    }
                    guard index < inputs.count else { return }
                    let output = body(inputs[index])
                    state.withLock { $0.outputs[index] = output }
                }
            }
        }
        group.wait()
        return state.withLock { $0.outputs.compactMap { $0 } }
    }
}

/// Looks at one instance.
struct InstanceProbe: Sendable {
    let environment: HostEnvironment
    let version: String?
    let services: [InstalledService]
    let timeout: Duration
    let end: ContinuousClock.Instant

    func report(_ sibling: SiblingInstance) -> InstanceReport {
        let config = ConfigLoader.glance(
            path: sibling.configPath, stateDirectory: sibling.stateDirectory, environment: environment.variables)
        var report = blank(sibling, config: config)
        if !config.isUsable {
            let problem = config.errors.first?.description ?? "it can't be parsed"
            report.problems.append(.init(code: "config.unusable", message: "\(sibling.configPath): \(problem)"))
        }
        do {
            _ = try InstanceIdentity.load(stateDirectory: sibling.stateDirectory)
        } catch {
            report.problems.append(.init(code: "identity.unreadable", message: error.message))
        }
        report.services = services.filter { $0.belongs(to: sibling.instanceId) }
        if sibling.isRunning { challenge(&report) }
        addDrift(&report)
        return report
    }

    func unreadable(_ sibling: SiblingInstance) -> InstanceReport {
        var report = blank(sibling, config: nil)
        report.state = .broken
        report.problems = [
            .init(code: "state.unreadable", message: "\(sibling.stateDirectory) can't be read.")
        ]
        return report
    }

    private func blank(_ sibling: SiblingInstance, config: ConfigSnapshot?) -> InstanceReport {
        let target = sibling.controlTarget(environment)
        let configured = config?.config.gateway.port
        var planned: EffectivePort?
        if config?.isUsable == true {
            planned =
                configured.map { EffectivePort(value: $0, source: .config("gateway.port")) }
                ?? EffectivePort(value: PortPlan.firstGuess(sibling.profile), source: .default)
        }
        let suffix = sibling.profile.map { "-\($0)" } ?? ""
        let home = try? environment.home().path  // then a path with “~” is shown as it is written
        return InstanceReport(
            sibling: sibling, canonicalStateDirectory: environment.canonicalize(sibling.stateDirectory),
            command: target.command, controlSocket: target.socket, config: config, plannedPort: planned,
            workspace: Instance.expand(
                config?.config.agents.defaults.workspace ?? "workspace\(suffix)", home: home ?? "~",
                stateDirectory: sibling.stateDirectory),
            state: .stopped)
    }

    private func challenge(_ report: inout InstanceReport) {
        do {
            let left = min(timeout, ContinuousClock.now.duration(to: end))
            let gateway = try ControlSocket.ask(report.sibling, environment: environment, timeout: left)
            report.attested = gateway
            switch gateway.phase {
            case "ready": report.state = .running
            case "draining": report.state = .stopping
            default: report.state = .starting
            }
            if let failure = gateway.storeFailure {
                report.problems.append(.init(code: "store.failed", message: failure))
            }
        } catch {
            switch error.code {
            case "gateway.not_running": report.state = .stopped  // it ended between the two looks
            case "owner.unproven", "instance.identity":
                report.state = .unproven
                report.refusal = error
                report.problems.append(.init(code: "gateway.unproven", message: error.message))
            default:
                report.state = .notAnswering
                report.refusal = error
                report.problems.append(.init(code: "gateway.not_answering", message: error.message))
            }
        }
    }

    private func addDrift(_ report: inout InstanceReport) {
        for service in report.services { addDrift(of: service, to: &report) }
        guard let gateway = report.attested else { return }
        if let version, gateway.version != version {
            report.drift.append(
                .init(code: "version", message: "it runs version \(gateway.version), this program is \(version)"))
        }
        // A port from a flag or a variable is meant to differ from the configured one.
        if let planned = report.plannedPort, gateway.base != planned.value,
            gateway.portSource == "config" || gateway.portSource == "default"
        {
            report.drift.append(
                .init(
                    code: "port",
                    message: "it listens on \(gateway.base), the next start takes \(planned.value)"
                        + " (\(planned.source))"))
        }
        if !gateway.restartPending.isEmpty {
            let keys = gateway.restartPending.prefix(4).joined(separator: ", ")
            report.drift.append(.init(code: "config", message: "a restart is needed for \(keys)"))
        }
        if let executable = gateway.executable, executable.hasSuffix(" (deleted)") {
            report.drift.append(
                .init(code: "executable", message: "its program file was replaced: \(executable.dropLast(10))"))
        }
    }
}

extension InstanceProbe {
    /// What a service says that is not so.
    private func addDrift(of service: InstalledService, to report: inout InstanceReport) {
        func add(_ code: String, _ message: String) {
            report.drift.append(.init(code: code, message: "the service \(service.name) \(message)"))
        }
        if let version, let written = service.version, written != version {
            add("service.version", "was written by version \(written), this program is \(version)")
        }
        if let executable = service.executable, executable.hasPrefix("/"), !DurableFile.exists(executable) {
            add("service.executable", "starts \(executable), which is not there")
        }
        if let state = service.stateDirectory, environment.canonicalize(state) != report.canonicalStateDirectory {
            add("service.state", "starts a gateway over \(state)")
        }
        if let port = service.port, let own = report.port, port != own { add("service.port", "starts on \(port)") }
    }
}

/// What is wrong between instances.
enum InstanceComparison {
    static func mark(_ reports: inout [InstanceReport]) {
        markCopies(&reports)
        markPorts(&reports)
    }

    /// One instance id in two directories: one of them is a copy.
    private static func markCopies(_ reports: inout [InstanceReport]) {
        let known = reports.indices.filter { reports[$0].sibling.instanceId != nil }
        for (_, indices) in Dictionary(grouping: known, by: { reports[$0].sibling.instanceId }) {
            for index in indices {
                let others = indices.filter {
                    reports[$0].canonicalStateDirectory != reports[index].canonicalStateDirectory
                }
                guard !others.isEmpty else { continue }
                let places = others.map { reports[$0].sibling.stateDirectory }.joined(separator: ", ")
                reports[index].problems.append(
                    .init(
                        code: "instance.cloned",
                        message: "the same instance id as \(places): one of them is a copy of the other"))
            }
        }
    }

    /// Base ports that lie too close together. Ports of instances that were never set up are guesses and count nothing.
    private static func markPorts(_ reports: inout [InstanceReport]) {
        let bases = reports.indices.filter { reports[$0].attested != nil || reports[$0].config?.exists == true }
            .compactMap { index in reports[index].port.map { (index: index, port: $0) } }
            .sorted { $0.port < $1.port }
        for (lower, upper) in zip(bases, bases.dropFirst())
        where upper.port - lower.port < PortSpan.leastSpacing
            && reports[upper.index].canonicalStateDirectory != reports[lower.index].canonicalStateDirectory
        {
            for (one, other) in [(lower, upper), (upper, lower)] {
                reports[one.index].drift.append(
                    .init(
                        code: "overlap",
                        message: "base port \(one.port) is too close to \(other.port) of"
                            + " “\(reports[other.index].sibling.displayName)”"))
            }
        }
    }
}
