import JarvisCore
import JarvisSystem

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What a running gateway tells about itself in `<state>/run/gateway.json`: how to reach it. A hint, never proof: only
/// the lock says that it runs, and only `OwnerProof` that a process is it.
package struct RuntimeFile: Sendable, Hashable {
    /// The gateway's process.
    package var pid: Int32
    /// Its start time in clock ticks since boot; nil where the system does not tell.
    package var processStartTime: Int64?
    /// The program's version.
    package var version: String
    /// The instance's id.
    package var instanceId: String
    /// `default` or the profile's name.
    package var profile: String
    /// The configuration it runs with.
    package var configPath: String
    /// A random UUID, new with every start of the program: a restart in place keeps pid and start time.
    package var bootId: String
    /// The port it listens on.
    package var port: Int
    /// The address it listens on: `127.0.0.1`, `0.0.0.0` …
    package var bindHost: String
    /// The browser control port; nil when there is none.
    package var browserControlPort: Int?
    /// The control socket's path; nil when there is none.
    package var controlSocket: String?
    /// When it began to listen.
    package var startedAt: EpochMilliseconds

    /// What this process tells.
    package init(
        version: String, instanceId: String, profile: String, configPath: String, port: Int,
        bindHost: String = "127.0.0.1", bootId: String = Identifiers.uuid(), browserControlPort: Int? = nil,
        controlSocket: String? = nil,
        startedAt: EpochMilliseconds
    ) {
        pid = getpid()
        processStartTime = ProcessInfoReader().current()?.startTime
        self.version = version
        self.instanceId = instanceId
        self.profile = profile
        self.configPath = configPath
        self.port = port
        self.bindHost = bindHost
        self.bootId = bootId
        self.browserControlPort = browserControlPort
        self.controlSocket = controlSocket
        self.startedAt = startedAt
    }

    /// Reads the file; nil when there is none that can be understood.
    package static func read(_ paths: InstancePaths) -> RuntimeFile? {
        let bytes = try? DurableFile.read(paths.runtimeFile, limit: 64 << 10)  // a hint only: unreadable is absent
        guard let bytes else { return nil }
        let json = try? JSONParser.parse(String(decoding: bytes, as: UTF8.self))  // likewise
        return json.flatMap(RuntimeFile.init(json:))
    }

    /// Writes it, 0600. It describes a process, so it need not survive a power loss.
    ///
    /// - Throws: `SystemCallError`.
    package func write(_ paths: InstancePaths) throws {
        try DurableFile.createDirectory(paths.run)
        try DurableFile.write(
            Array(JSONWriter.pretty(json).utf8) + [UInt8(ascii: "\n")], to: paths.runtimeFile, sync: false)
    }

    /// Removes it when it is this process's own.
    package static func removeOwn(_ paths: InstancePaths) {
        if read(paths)?.pid == getpid() { unlink(paths.runtimeFile) }
    }

    /// Whether the process that wrote it still runs; true where the system does not tell.
    package var isWriterAlive: Bool {
        guard let processStartTime else { return true }
        return ProcessInfoReader().isAlive(pid: pid, startTime: processStartTime)
    }

    /// Whether it may be believed: written by a process that still runs, for the instance with this id.
    package func isNote(of instanceId: String?) -> Bool { self.instanceId == instanceId && isWriterAlive }

    /// The file's content, also for `--json` output.
    package var json: JSONValue {
        .members([
            "version": 1, "pid": JSONValue(Int(pid)), "processStartTime": processStartTime.map(JSONValue.int),
            "jarvisVersion": .string(version), "instanceId": .string(instanceId), "bootId": .string(bootId),
            "profile": .string(profile),
            "configPath": .string(configPath), "port": JSONValue(port), "bindHost": .string(bindHost),
            "ports": .members([
                "gateway": JSONValue(port), "browserControl": browserControlPort.map { JSONValue($0) },
            ]),
            "controlSocket": controlSocket.map(JSONValue.string), "startedAtMs": .int(startedAt),
        ])
    }

    private init?(json: JSONValue) {
        guard let pid = json["pid"]?.intValue.flatMap(Int32.init(exactly:)), pid > 0,
            let instanceId = json["instanceId"]?.stringValue, let port = json["port"]?.intValue,
            (0...65_535).contains(port)
        else { return nil }
        self.pid = pid
        self.instanceId = instanceId
        self.port = port
        processStartTime = json["processStartTime"]?.intValue.map(Int64.init)
        version = Self.word(json["jarvisVersion"]) ?? ""
        profile = Self.word(json["profile"]) ?? "default"
        configPath = json["configPath"]?.stringValue ?? ""
        bootId = json["bootId"]?.stringValue ?? ""
        bindHost = json["bindHost"]?.stringValue ?? "127.0.0.1"
        browserControlPort = json["ports"]?["browserControl"]?.intValue
        controlSocket = json["controlSocket"]?.stringValue
        startedAt = json["startedAtMs"]?.intValue.map(EpochMilliseconds.init) ?? 0
    }

    /// A short word as it may be shown to people: whoever can write the file can't steer a terminal with it.
    private static func word(_ json: JSONValue?) -> String? {
        json?.stringValue.map { String($0.prefix(64).filter { $0.isASCII && $0 > " " && $0 != "\u{7F}" }) }
    }
}
