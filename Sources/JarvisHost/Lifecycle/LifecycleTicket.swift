import JarvisCore

/// One request to restart or stop a gateway, and what became of it.
///
/// The gateway writes it down before it acts and again when it is ready after the start, so that whoever asked, also an
/// agent inside the gateway whose own run is interrupted, can look the outcome up later.
package struct LifecycleTicket: Sendable, Hashable {
    /// What is wanted.
    package enum Action: String, Sendable, Hashable, CaseIterable {
        /// The same instance comes back with its configuration as it is then.
        case restart
        /// The process ends and stays away until the next start.
        case stop
    }

    /// Where the request stands.
    package enum State: String, Sendable, Hashable, CaseIterable {
        /// Written down; runs that are active still have time to end.
        case accepted
        /// Not begun: the gateway would not come up again, or it stops already.
        case refused
        /// Restarted and ready again, or stopped.
        case done
        /// It went down and did not come up again.
        case failed
        /// Another request took its place before it began.
        case superseded
    }

    /// Why a request was refused or failed.
    package struct Problem: Sendable, Hashable {
        /// The stable code.
        package var code: String
        /// The sentence for people.
        package var message: String
        /// The next command; nil when there is none.
        package var hint: String?

        /// A problem.
        package init(code: String, message: String, hint: String? = nil) {
            self.code = code
            self.message = message
            self.hint = hint
        }

        /// The problem that an error tells.
        package init(_ error: JarvisError) {
            self.init(code: error.code.rawValue, message: error.message, hint: error.hint)
        }
    }

    /// One boot of a gateway. In-place restarts keep pid and start time: `bootId` is what tells two boots apart.
    package struct Boot: Sendable, Hashable {
        /// The process.
        package var pid: Int32
        /// Its start time in clock ticks since boot of the machine; nil where the system does not tell.
        package var processStartTime: Int64?
        /// A random UUID, new with every start of the program.
        package var bootId: String
        /// The program's version.
        package var version: String
        /// When it was ready.
        package var readyAt: EpochMilliseconds

        /// A boot.
        package init(
            pid: Int32, processStartTime: Int64?, bootId: String, version: String, readyAt: EpochMilliseconds
        ) {
            self.pid = pid
            self.processStartTime = processStartTime
            self.bootId = bootId
            self.version = version
            self.readyAt = readyAt
        }
    }

    /// The ticket's name: `r-` or `s-` and 12 hexadecimal digits.
    package var id: String
    /// What is wanted.
    package var action: Action
    /// Where it stands.
    package var state: State
    /// Why, in the requester's words; at most 200 characters.
    package var reason: String
    /// Who asked: `rpc`, `signal`, `config`, `operator`.
    package var requestedBy: String
    /// When it was written down.
    package var requestedAt: EpochMilliseconds
    /// The boot that was asked.
    package var before: Boot
    /// The boot that came after a restart; nil until it is ready, and for a stop.
    package var after: Boot?
    /// Why it was refused or failed.
    package var problem: Problem?
    /// When it came to its end; nil while it is under way.
    package var finishedAt: EpochMilliseconds?

    /// A new ticket, accepted.
    package init(
        action: Action, reason: String, requestedBy: String, requestedAt: EpochMilliseconds, before: Boot,
        id: String? = nil
    ) {
        self.id = id ?? "\(action.rawValue.prefix(1))-\(Identifiers.randomHex(bytes: 6))"
        self.action = action
        state = .accepted
        self.reason = String(reason.prefix(200))
        self.requestedBy = requestedBy
        self.requestedAt = requestedAt
        self.before = before
    }

    /// Whether its end is still open.
    package var isPending: Bool { state == .accepted }

    /// The same ticket, ended.
    package func ended(
        _ state: State, at time: EpochMilliseconds, after: Boot? = nil, problem: Problem? = nil
    ) -> LifecycleTicket {
        var ticket = self
        ticket.state = state
        ticket.finishedAt = time
        ticket.after = after
        ticket.problem = problem
        return ticket
    }
}

extension LifecycleTicket {
    /// For the file and for `--json`.
    package var json: JSONValue {
        .members([
            "ticket": .string(id), "action": .string(action.rawValue), "state": .string(state.rawValue),
            "reason": .string(reason), "requestedBy": .string(requestedBy), "requestedAtMs": .int(requestedAt),
            "before": before.json, "after": after.map(\.json),
            "error": problem.map {
                .members(["code": .string($0.code), "message": .string($0.message), "hint": JSONValue($0.hint)])
            },
            "finishedAtMs": finishedAt.map(JSONValue.int),
        ])
    }

    /// Reads one; nil for any other shape.
    package init?(json: JSONValue) {
        guard let id = json["ticket"]?.stringValue, let action = json["action"]?.stringValue.flatMap(Action.init),
            let state = json["state"]?.stringValue.flatMap(State.init),
            let before = json["before"].flatMap(Boot.init(json:))
        else { return nil }
        self.init(
            action: action, reason: json["reason"]?.stringValue ?? "",
            requestedBy: json["requestedBy"]?.stringValue ?? "",
            requestedAt: json["requestedAtMs"]?.intValue.map(EpochMilliseconds.init) ?? 0, before: before, id: id)
        self.state = state
        after = json["after"].flatMap(Boot.init(json:))
        finishedAt = json["finishedAtMs"]?.intValue.map(EpochMilliseconds.init)
        if let error = json["error"], let message = error["message"]?.stringValue {
            problem = Problem(
                code: error["code"]?.stringValue ?? "", message: message, hint: error["hint"]?.stringValue)
        }
    }
}

extension LifecycleTicket.Boot {
    /// For the file and for `--json`.
    package var json: JSONValue {
        .members([
            "pid": JSONValue(Int(pid)), "processStartTime": processStartTime.map(JSONValue.int),
            "bootId": .string(bootId), "version": .string(version), "readyAtMs": .int(readyAt),
        ])
    }

    /// Reads one; nil for any other shape.
    package init?(json: JSONValue) {
        guard let pid = json["pid"]?.intValue.flatMap(Int32.init(exactly:)), let bootId = json["bootId"]?.stringValue
        else { return nil }
        self.init(
            pid: pid, processStartTime: json["processStartTime"]?.intValue.map(Int64.init), bootId: bootId,
            version: json["version"]?.stringValue ?? "",
            readyAt: json["readyAtMs"]?.intValue.map(EpochMilliseconds.init) ?? 0)
    }
}
