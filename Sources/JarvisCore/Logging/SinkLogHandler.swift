import Logging

/// Where finished log lines go.
package protocol LogSink: Sendable {
    /// From which level on this sink wants lines; may change at run time.
    var threshold: LogThreshold { get }
    /// Takes one line. Called from any thread; must not wait for a disk.
    func write(_ record: LogRecord)
}

/// The log handler of the program: builds each record once, redacted, and hands it to every sink that wants its level.
package struct SinkLogHandler: LogHandler {
    /// Fields of every line of this logger.
    package var metadata: Logger.Metadata = [:]
    /// Fields that a context adds.
    package var metadataProvider: Logger.MetadataProvider?
    private let label: String
    private let sinks: [any LogSink]
    private let redactor: Redactor
    private let clock: WallClock
    private var level: Logger.Level?

    /// A handler for the logger `label`.
    package init(label: String, sinks: [any LogSink], redactor: Redactor, clock: WallClock = .system) {
        self.label = label
        self.sinks = sinks
        self.redactor = redactor
        self.clock = clock
    }

    /// The level that was set for this logger alone, else the lowest that a sink wants.
    package var logLevel: Logger.Level {
        get { level ?? sinks.map(\.threshold.loggerLevel).min() ?? .critical }
        set { level = newValue }
    }

    /// One field of every line.
    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes one event.
    package func log(event: LogEvent) {
        let wanting = sinks.filter { $0.threshold.allows(event.level) }
        guard !wanting.isEmpty else { return }
        var fields = metadata
        if let provided = metadataProvider?.get() { fields.merge(provided) { _, new in new } }
        if let given = event.metadata { fields.merge(given) { _, new in new } }
        if let error = event.error { fields["error"] = .string("\(error)") }
        let record = LogRecord(
            time: clock.now(), level: event.level, subsystem: label, message: event.message.description,
            metadata: fields, redactor: redactor)
        for sink in wanting { sink.write(record) }
    }
}
