import JarvisCore
import JarvisSystem

/// `systemctl` for the user's manager or the machine's.
struct SystemctlRunner: Sendable {
    let isUser: Bool
    let environment: HostEnvironment
    private let runner: ChildRunner

    init(isUser: Bool, environment: HostEnvironment) {
        self.isUser = isUser
        self.environment = environment
        runner = ChildRunner(environment: Self.variables(environment))
    }

    /// What systemd's programs need and nothing else. Over SSH or `su` nobody has set the variables of the user's bus:
    /// then they are what systemd itself would set, when it is there.
    private static func variables(_ environment: HostEnvironment) -> [String: String] {
        var kept: [String: String] = ["LC_ALL": "C", "SYSTEMD_PAGER": "", "SYSTEMD_COLORS": "0"]
        for name in ["PATH", "HOME", "USER", "LOGNAME"] { kept[name] = environment[name] }
        let runtime = UserBus(environment: environment).runtimeDirectory
        kept["XDG_RUNTIME_DIR"] = runtime
        kept["DBUS_SESSION_BUS_ADDRESS"] = environment["DBUS_SESSION_BUS_ADDRESS"]
        if kept["DBUS_SESSION_BUS_ADDRESS"] == nil, let runtime, DurableFile.exists("\(runtime)/bus") {
            kept["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=\(runtime)/bus"
        }
        return kept
    }

    /// How a person spells it.
    var spelling: String { isUser ? "systemctl --user" : "systemctl" }

    /// Runs it; nil when there is no such program.
    ///
    /// - Throws: `service.failed` when it can't be started.
    func run(_ arguments: [String], timeout: Duration = .seconds(30)) throws(JarvisError) -> ChildRunner.Outcome? {
        guard let program = runner.find("systemctl") else { return nil }
        do {
            return try runner.run(
                program, (isUser ? ["--user"] : []) + ["--no-pager", "--no-ask-password"] + arguments, timeout: timeout)
        } catch {
            throw JarvisError("service.failed", "\(program) can't be started: \(error)", cause: error)
        }
    }

    /// Runs it and expects success.
    ///
    /// - Throws: `service.failed` with what it said.
    @discardableResult
    func require(_ arguments: [String], timeout: Duration = .seconds(30)) throws(JarvisError) -> String {
        guard let outcome = try run(arguments, timeout: timeout) else {
            throw JarvisError("service.failed", "There is no systemctl on this host.")
        }
        guard outcome.isSuccess else {
            let said = outcome.errors.isEmpty ? outcome.output : outcome.errors
            let reason = outcome.isTimedOut ? "no answer in \(timeout)" : Self.firstLines(said)
            throw JarvisError(
                "service.failed", "\(spelling) \(arguments.joined(separator: " ")): \(reason)",
                metadata: ["exitCode": outcome.exitCode.map(String.init) ?? "signal"])
        }
        return outcome.output
    }

    /// The properties of a unit by name; empty when the manager does not answer.
    func show(_ unit: String, _ properties: [String]) -> [String: String] {
        let outcome = try? run(["show", unit, "--property", properties.joined(separator: ",")])  // no answer: nothing
        guard let outcome, outcome.isSuccess else { return [:] }
        var found: [String: String] = [:]
        for line in outcome.output.split(whereSeparator: \.isNewline) {
            guard let equals = line.firstIndex(of: "=") else { continue }
            found[String(line[..<equals])] = String(line[line.index(after: equals)...])
        }
        return found
    }

    /// The major version of systemd on this host; nil without one.
    static func version(environment: HostEnvironment) -> Int? {
        let runner = ChildRunner(environment: variables(environment))
        guard let program = runner.find("systemctl") else { return nil }
        let outcome = try? runner.run(program, ["--version"], timeout: .seconds(10))  // not there is an answer
        guard let words = outcome?.output.split(whereSeparator: \.isWhitespace), words.count > 1 else { return nil }
        return Int(words[1].prefix { $0.isNumber })
    }

    private static func firstLines(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).prefix(3).joined(separator: " ")
    }
}

/// Where the user's service manager can be reached, and whether it outlives the session.
package struct UserBus: Sendable {
    private let environment: HostEnvironment

    package init(environment: HostEnvironment) { self.environment = environment }

    /// `XDG_RUNTIME_DIR`, else `/run/user/<uid>` when that is there and this user's.
    package var runtimeDirectory: String? {
        if let said = environment["XDG_RUNTIME_DIR"], said.hasPrefix("/") { return said }
        let usual = "/run/user/\(environment.userId)"
        return DurableFile.exists(usual) ? usual : nil
    }

    /// The account's name; its number where the user database has none.
    package var userName: String { UserAccounts.name(of: environment.userId) ?? String(environment.userId) }

    /// Whether the user's services run without a session; nil when logind keeps no record on this host.
    package var lingers: Bool? {
        guard DurableFile.exists("/var/lib/systemd") else { return nil }
        return DurableFile.exists("/var/lib/systemd/linger/\(userName)")
    }

    /// Whether systemd runs this machine.
    package static var isBooted: Bool { DurableFile.exists("/run/systemd/system") }
}

/// The user database as a file: the C library's own look-up can't work in a static binary.
package enum UserAccounts {
    /// The name of a user; nil when the file has none.
    package static func name(of userId: UInt32) -> String? { fields(of: userId).map { $0[0] } }

    /// The home of a user; nil when the file has none.
    package static func home(of userId: UInt32) -> String? {
        fields(of: userId).flatMap { $0[5].hasPrefix("/") ? HostPath.normalize($0[5]) : nil }
    }

    private static func fields(of userId: UInt32) -> [String]? {
        let bytes = try? DurableFile.read("/etc/passwd", limit: 4 << 20)  // no file is no answer
        guard let bytes else { return nil }
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
                .map { String(decoding: $0, as: UTF8.self) }
            if fields.count >= 6, UInt32(fields[2]) == userId { return fields }
        }
        return nil
    }
}
