import JarvisCore

/// What a page has said and what went wrong in it.
struct PageActivity: Sendable {
    /// One line of the console.
    struct Message: Sendable {
        var kind: String
        var severity: Severity
        var text: String
        var time: EpochMilliseconds
        var url: String?
        var line: Int?
        var column: Int?

        /// The entry of GET /console.
        var listed: JSONValue {
            var location: JSONValue?
            if let url, !url.isEmpty {
                location = .members([
                    "url": .string(url), "lineNumber": line.map { JSONValue($0) },
                    "columnNumber": column.map { JSONValue($0) },
                ])
            }
            return .members([
                "type": .string(kind), "text": .string(text), "timestamp": .string(WallClock.iso8601(time)),
                "location": location,
            ])
        }
    }

    /// How much a line of the console matters.
    enum Severity: Int, Sendable, Comparable {
        case debug = 0
        case info = 1
        case warning = 2
        case error = 3

        static func < (left: Severity, right: Severity) -> Bool { left.rawValue < right.rawValue }

        /// A level as callers spell it.
        init?(level: String) {
            switch level.lowercased() {
            case "debug", "verbose": self = .debug
            case "info", "log": self = .info
            case "warning", "warn": self = .warning
            case "error": self = .error
            default: return nil
            }
        }
    }

    /// Something that went wrong.
    struct Problem: Sendable {
        var name: String
        var message: String
        var stack: String?
        var time: EpochMilliseconds
        var url: String?

        /// The entry of GET /errors.
        var listed: JSONValue {
            .members([
                "name": .string(name), "message": .string(message), "stack": stack.map { .string($0) },
                "timestamp": .string(WallClock.iso8601(time)), "url": url.flatMap { $0.isEmpty ? nil : .string($0) },
            ])
        }
    }

    private(set) var messages = Ring<Message>(limit: 200)
    private(set) var problems = Ring<Problem>(limit: 100)

    private static let longestText = 2000

    mutating func clearMessages() { messages.clear() }
    mutating func clearProblems() { problems.clear() }

    /// Something that JARVIS did or noticed, such as a dialog that nobody answered.
    mutating func note(_ name: String, _ message: String, url: String? = nil, now: EpochMilliseconds) {
        problems.append(
            Problem(name: name, message: ScriptText.cut(message, Self.longestText), time: now, url: url))
    }

    /// `Runtime.consoleAPICalled`.
    mutating func said(_ params: JSONValue, now: EpochMilliseconds) {
        let kind = params["type"]?.stringValue ?? "log"
        let arguments = params["args"]?.arrayValue ?? []
        let frame = params["stackTrace"]?["callFrames"]?[0]
        let severity: Severity =
            switch kind {
            case "error", "assert": .error
            case "warning": .warning
            case "debug": .debug
            default: .info
            }
        messages.append(
            Message(
                kind: kind, severity: severity,
                text: ScriptText.cut(ScriptText.console(arguments), Self.longestText), time: now,
                url: frame?["url"]?.stringValue.map { ScriptText.cut($0, 500) },
                line: frame?["lineNumber"]?.intValue, column: frame?["columnNumber"]?.intValue))
    }

    /// `Log.entryAdded`: what the browser itself has to say about the page.
    mutating func logged(_ entry: JSONValue, now: EpochMilliseconds) {
        let level = entry["level"]?.stringValue ?? "info"
        messages.append(
            Message(
                kind: level == "verbose" ? "debug" : level, severity: Severity(level: level) ?? .info,
                text: ScriptText.cut(entry["text"]?.stringValue ?? "", Self.longestText), time: now,
                url: entry["url"]?.stringValue.map { ScriptText.cut($0, 500) },
                line: entry["lineNumber"]?.intValue))
    }

    /// `Runtime.exceptionThrown`.
    mutating func threw(_ details: JSONValue, now: EpochMilliseconds) {
        let exception = details["exception"] ?? [:]
        let description = exception["description"]?.stringValue
        let text = ScriptText.exception(details)
        let lines = text.split(separator: "\n", maxSplits: 1)
        problems.append(
            Problem(
                name: exception["className"]?.stringValue ?? "Error",
                message: lines.first.map(String.init) ?? text,
                stack: description.map { ScriptText.cut($0, Self.longestText) }, time: now,
                url: details["url"]?.stringValue.map { ScriptText.cut($0, 500) }))
    }
}
