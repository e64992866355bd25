import JarvisCore

/// One line of a gateway's log.
struct LogLine: Sendable {
    /// As it stands in the file.
    let raw: String
    private let record: JSONValue?

    init(_ raw: String) {
        self.raw = raw
        record = try? JSONParser.parse(raw)  // a line that is no JSON is shown as it is
    }

    /// Whether the line has this level or a worse one. A line without a level passes.
    func isAtLeast(_ threshold: LogThreshold) -> Bool {
        guard let word = record?["level"]?.stringValue, let level = LogThreshold(word) else {
            return threshold == .trace
        }
        let order = LogThreshold.allCases
        guard let own = order.firstIndex(of: level), let least = order.firstIndex(of: threshold) else { return true }
        return own >= least
    }

    /// The record; a line that is no JSON as `{message}`.
    var json: JSONValue { record ?? ["message": .string(raw)] }

    /// `15:04:05 warn  gateway: message name=value`.
    func text(_ terminal: Terminal) -> String {
        guard let record, let message = record["message"]?.stringValue else { return Humanize.printable(raw) }
        let time = record["time"]?.stringValue ?? ""
        let level = record["level"]?.stringValue ?? ""
        let style: Terminal.Style =
            switch level {
            case "error", "fatal": .error
            case "warn": .warn
            default: .muted
            }
        let padded = level + String(repeating: " ", count: max(0, 5 - level.count))
        var line = "\(time.dropFirst(11).prefix(8)) \(terminal.paint(padded, style)) "
        line += "\(record["subsystem"]?.stringValue ?? ""): \(message)"
        for (name, value) in record["meta"]?.objectValue ?? [:] {
            line += terminal.paint(" \(name)=\(value.stringValue ?? JSONWriter.string(value))", .muted)
        }
        return terminal.hasColor ? line : Humanize.printable(line)
    }
}
