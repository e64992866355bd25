import JarvisCore
import JarvisSystem

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The files through which commands and the built-in supervisor talk: `<host dir>/supervisor/`. Commands write wishes,
/// the supervisor writes states; the lock on the directory says whether a supervisor runs. All calls block.
package struct SupervisorDirectory: Sendable {
    /// The directory.
    package let path: String

    /// The one of this user on this host.
    ///
    /// - Throws: `home.missing`, `path.invalid` and their kin, exit 2.
    package init(environment: HostEnvironment) throws(JarvisError) {
        path = HostPath.join(try HostDirectory.path(environment), "supervisor")
    }

    /// `instances/`: one wish a file.
    package var instances: String { HostPath.join(path, "instances") }
    /// `states/`: what the supervisor last knew of each.
    package var states: String { HostPath.join(path, "states") }
    /// `reports/`: the error with which a start ended, written by the gateway.
    package var reports: String { HostPath.join(path, "reports") }
    /// `supervisor.json`: who the supervisor says it is.
    package var note: String { HostPath.join(path, "supervisor.json") }
    /// `supervisor.log`.
    package var log: String { HostPath.join(path, "supervisor.log") }
    /// `stop-request`: written by `supervisor stop`, taken away by the supervisor that obeys.
    package var stopRequest: String { HostPath.join(instances, ".stop-request") }

    /// Where the wish for an instance lies.
    package func wish(_ instanceId: String) -> String { HostPath.join(instances, "\(instanceId).json") }
    /// Where its state lies.
    package func state(_ instanceId: String) -> String { HostPath.join(states, "\(instanceId).json") }
    /// Where its gateway reports a failed start.
    package func report(_ instanceId: String) -> String { HostPath.join(reports, "\(instanceId).json") }

    /// Makes the directories, 0700.
    ///
    /// - Throws: `SystemCallError`.
    package func prepare() throws {
        for directory in [path, instances, states, reports] { try DurableFile.createDirectory(directory) }
    }

    /// Whether a supervisor runs.
    package var isServed: Bool { DirectoryLock.isHeld(path) }

    /// The supervisor's process as the kernel names it; nil when none runs or the system does not tell.
    package var servedBy: Int32? { DirectoryLock.holderPid(of: path) }

    /// All wishes, by file name; files that can't be understood are left out.
    package func wishes() -> [SupervisedInstance] {
        DirectoryNames.list(instances, limit: 4096).filter { $0.hasSuffix(".json") && !$0.hasPrefix(".") }.sorted()
            .compactMap {
                name in
                let wish = Self.read(HostPath.join(instances, name)).flatMap(SupervisedInstance.init(json:))
                return wish.flatMap { "\($0.instanceId).json" == name ? $0 : nil }
            }
    }

    /// The wish for one instance; nil when there is none.
    package func wish(for instanceId: String) -> SupervisedInstance? {
        guard InstancePaths.fileName(instanceId) == instanceId else { return nil }
        return Self.read(wish(instanceId)).flatMap(SupervisedInstance.init(json:))
    }

    /// Writes a wish.
    ///
    /// - Throws: `SystemCallError`.
    package func write(_ wish: SupervisedInstance) throws {
        try prepare()
        try DurableFile.write(Self.bytes(wish.json), to: self.wish(wish.instanceId))
    }

    /// What the supervisor last wrote of an instance; nil when it wrote nothing.
    package func report(of instanceId: String) -> SupervisedReport? {
        guard InstancePaths.fileName(instanceId) == instanceId else { return nil }
        return Self.read(state(instanceId)).flatMap(SupervisedReport.init(json:))
    }

    static func read(_ path: String) -> JSONValue? {
        let bytes = try? DurableFile.read(path, limit: 1 << 20)  // gone or not readable: not there
        return bytes.flatMap { try? JSONParser.parse(String(decoding: $0, as: UTF8.self)) }  // torn: likewise
    }

    static func bytes(_ json: JSONValue) -> [UInt8] { Array(JSONWriter.pretty(json).utf8) + [UInt8(ascii: "\n")] }
}

/// The state of one supervised instance as its file tells it. A hint: the lock says whether a gateway runs.
package struct SupervisedReport: Sendable, Hashable {
    /// Where it stands.
    package var phase: SupervisedState.Phase
    /// Why, for people.
    package var reason: String
    /// Its process.
    package var pid: Int32?
    /// Its process's start time in clock ticks.
    package var processStartTime: Int64?
    /// The wish that was obeyed.
    package var generation: Int
    /// Restarts since the last start by hand.
    package var restarts: Int
    /// Since when, wall clock.
    package var since: EpochMilliseconds
    /// When the next attempt is due, wall clock; nil when none is.
    package var nextAttempt: EpochMilliseconds?
    /// How its last process ended.
    package var lastExit: SupervisedState.Exit?
    /// Which boot of the machine this was written on.
    package var hostBoot: String

    /// What to write of `state`.
    package init(
        _ state: SupervisedState, processStartTime: Int64?, wall: (Int64) -> EpochMilliseconds, hostBoot: String
    ) {
        phase = state.phase
        reason = state.reason
        pid = state.pid
        self.processStartTime = processStartTime
        generation = state.generation
        restarts = state.restarts
        since = wall(state.since)
        nextAttempt = state.phase == .waiting ? state.deadline.map(wall) : nil
        lastExit = state.lastExit
        self.hostBoot = hostBoot
    }

    /// The file's content.
    package var json: JSONValue {
        .members([
            "version": 1, "phase": .string(phase.rawValue), "reason": .string(reason),
            "pid": pid.map { JSONValue(Int($0)) }, "processStartTime": processStartTime.map(JSONValue.int),
            "generation": JSONValue(generation), "restarts": JSONValue(restarts), "sinceMs": .int(since),
            "nextAttemptAtMs": nextAttempt.map(JSONValue.int),
            "lastExit": lastExit.map { exit in
                .members([
                    "exitCode": exit.code.map { JSONValue(Int($0)) }, "signal": exit.signal.map { JSONValue(Int($0)) },
                    "errorCode": exit.errorCode.map(JSONValue.string), "message": exit.message.map(JSONValue.string),
                    "wasAsked": .bool(exit.wasAsked),
                ])
            },
            "hostBoot": .string(hostBoot),
        ])
    }

    /// Reads one; nil for any other shape.
    package init?(json: JSONValue) {
        guard let phase = json["phase"]?.stringValue.flatMap(SupervisedState.Phase.init) else { return nil }
        self.phase = phase
        reason = json["reason"]?.stringValue ?? ""
        pid = json["pid"]?.intValue.flatMap(Int32.init(exactly:))
        processStartTime = json["processStartTime"]?.intValue.map(Int64.init)
        generation = json["generation"]?.intValue ?? 0
        restarts = json["restarts"]?.intValue ?? 0
        since = json["sinceMs"]?.intValue.map(EpochMilliseconds.init) ?? 0
        nextAttempt = json["nextAttemptAtMs"]?.intValue.map(EpochMilliseconds.init)
        hostBoot = json["hostBoot"]?.stringValue ?? ""
        if let exit = json["lastExit"], exit.objectValue != nil {
            lastExit = SupervisedState.Exit(
                code: exit["exitCode"]?.intValue.flatMap(Int32.init(exactly:)),
                signal: exit["signal"]?.intValue.flatMap(Int32.init(exactly:)),
                errorCode: exit["errorCode"]?.stringValue, message: exit["message"]?.stringValue,
                wasAsked: exit["wasAsked"]?.boolValue ?? false)
        }
    }
}
