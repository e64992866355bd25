import JarvisCore

extension DoctorCheck {
    /// Whether the gateway starts again and again.
    static let crashLoop = DoctorCheck(id: "crash-loop", title: "crash loops") { patient, context in
        let log = LogTail(path: patient.instance.paths.gatewayLog)
        let starts = log.starts.filter { context.now - $0 < 15 * 60_000 && $0 <= context.now }
        guard starts.count >= 5 else { return [] }
        let isUp = (patient.attested?.uptimeMs ?? 0) > 120_000
        return [
            Finding(
                "crash-loop", isUp ? .info : .error,
                "The gateway started \(starts.count) times in the last 15 minutes.",
                evidence: log.lastErrors, next: patient.command("logs"))
        ]
    }

    /// Whether the clock went back since the gateway wrote its last note.
    static let clock = DoctorCheck(id: "clock", title: "clock") { patient, context in
        var stamps: [(String, EpochMilliseconds)] = []
        if let identity = patient.identity { stamps.append(("the identity was made", identity.createdAt)) }
        if let runtime = patient.runtime { stamps.append(("the gateway started", runtime.startedAt)) }
        if let last = LogTail(path: patient.instance.paths.gatewayLog).lastTime {
            stamps.append(("the last line of the log was written", last))
        }
        guard let latest = stamps.max(by: { $0.1 < $1.1 }), latest.1 - context.now > 60_000 else { return [] }
        return [
            Finding(
                "clock.backwards", .warning,
                "The clock says \(WallClock.iso8601(context.now)), but \(latest.0) at \(WallClock.iso8601(latest.1)).",
                next: "Set the clock; jobs and expiry times depend on it.")
        ]
    }
}

/// The end of a log of JSON lines.
struct LogTail {
    /// When a gateway said that it started, oldest first.
    private(set) var starts: [EpochMilliseconds] = []
    /// The time of the last line.
    private(set) var lastTime: EpochMilliseconds?
    /// The last errors, at most 3.
    private(set) var lastErrors: [String] = []

    private static let limit: Int = 256 << 10

    init(path: String) {
        for line in Self.end(of: path).split(separator: UInt8(ascii: "\n")) {
            // a line that is cut off is no line
            let parsed = try? JSONParser.parse(String(decoding: line, as: UTF8.self))  // see above
            guard let parsed, let message = (parsed["message"] ?? parsed["msg"])?.stringValue else { continue }
            let stamp = parsed["time"] ?? parsed["ts"]
            let time = stamp?.intValue.map(EpochMilliseconds.init) ?? stamp?.stringValue.flatMap(WallClock.parse)
            if let time { lastTime = max(time, lastTime ?? 0) }
            if let time, message.hasPrefix("log file: ") { starts.append(time) }
            let level = parsed["level"]?.stringValue ?? ""
            if level == "error" || level == "fatal" || level == "critical" { lastErrors.append(message) }
        }
        lastErrors = lastErrors.suffix(3)
    }

    private static func end(of path: String) -> ArraySlice<UInt8> {
        // no log is an empty log
        let bytes = try? DurableFile.read(path, limit: 32 << 20)  // see above
        return (bytes ?? []).suffix(limit)
    }
}
