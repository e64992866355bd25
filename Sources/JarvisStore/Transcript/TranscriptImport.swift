import JarvisCore
import JarvisKit

/// What an import did.
package struct TranscriptImport: Sendable {
    /// The new session.
    package var session: SessionRecord
    /// How many entries it has.
    package var imported: Int
    /// How many torn lines at the end were left out: 0 or 1.
    package var tornLines: Int
    /// The numbers, from 1, of the bad lines that were left out on request.
    package var skippedLines: [Int]
}

extension Store {
    /// Makes a session of a transcript in the family's JSONL format (version 3, or older without ids). Ids, parents and
    /// times are kept. A last line that can't be read is what a crash leaves: it is dropped and counted.
    ///
    /// - Parameters:
    ///   - bytes: the file's content.
    ///   - skipBad: leaves out lines that can't be read instead of refusing the file.
    /// - Throws: `JarvisError`: `transcript.line` (the metadata's `line` says which; nothing was imported),
    ///   `transcript.header`, `session.exists`.
    package func importTranscript(
        _ bytes: [UInt8], as key: SessionKey, agentId: String, skipBad: Bool = false
    ) async throws -> TranscriptImport {
        let now = clock.now()
        let file = try TranscriptFile(bytes, skipBad: skipBad, now: now)
        let row = try await write { database in
            if try SessionRow.find(key, database) != nil {
                throw JarvisError(
                    "session.exists", "The session \(key) exists already",
                    hint: "Import under another key, or delete the session first", exitCode: 2)
            }
            let known = try file.sessionId.flatMap { try Self.transcript($0, database) }
            let sessionId = known == nil ? file.sessionId : nil
            let session = try SessionRow.create(
                key, agentId: agentId, sessionId: sessionId ?? Identifiers.uuid(), at: now, database)
            try file.insert(into: session, database)
            return try SessionRow.get(key, database)
        }
        return TranscriptImport(
            session: try row.record(), imported: file.entries.count, tornLines: file.tornLines,
            skippedLines: file.skippedLines)
    }
}

/// A transcript file, read and checked.
struct TranscriptFile: Sendable {
    struct Entry: Sendable {
        var id: String
        var parentId: String?
        var type: String
        var timestamp: EpochMilliseconds
        var body: [UInt8]
        var text: (role: String, text: String)?
    }

    /// The header's id when it has the form of one.
    private(set) var sessionId: String?
    /// The header's time.
    private(set) var createdAt: EpochMilliseconds?
    private(set) var entries: [Entry] = []
    private(set) var tornLines = 0
    private(set) var skippedLines: [Int] = []

    private static let lineFeed = UInt8(ascii: "\n")
    private static let longestId = 64

    init(_ bytes: [UInt8], skipBad: Bool, now: EpochMilliseconds) throws {
        var lines = bytes.split(separator: Self.lineFeed, omittingEmptySubsequences: false)
            .enumerated().filter { !$0.element.allSatisfy { byte in byte == 32 || byte == 13 || byte == 9 } }
        guard !lines.isEmpty else { throw Self.noHeader("the file is empty") }
        let header = lines.removeFirst()
        try readHeader(header.element)
        var ids: Set<String> = []
        for (position, line) in lines.enumerated() {
            do {
                let entry = try Self.entry(line.element, after: entries.last?.id, known: ids, now: now)
                ids.insert(entry.id)
                entries.append(entry)
            } catch {
                if position == lines.count - 1 {
                    tornLines = 1
                } else if skipBad {
                    skippedLines.append(line.offset + 1)
                } else {
                    throw JarvisError(
                        "transcript.line", "Bad transcript, line \(line.offset + 1): \(error.reason)",
                        hint: "Mend or remove the line and import again; nothing was imported.",
                        metadata: ["line": "\(line.offset + 1)"])
                }
            }
        }
    }

    private struct BadLine: Error {
        var reason: String
    }

    private static func noHeader(_ reason: String) -> JarvisError {
        JarvisError(
            "transcript.header", "This is no transcript: \(reason)",
            hint: "The first line is an object with type \"session\" and version 3", metadata: ["line": "1"])
    }

    private mutating func readHeader(_ line: ArraySlice<UInt8>) throws {
        let header: JSONValue
        do {
            header = try JSONParser.parse(line)
        } catch {
            throw Self.noHeader("line 1 is no JSON (\(error))")
        }
        guard header["type"]?.stringValue == "session" else { throw Self.noHeader("line 1 is no session header") }
        let version = header["version"]?.intValue ?? 1
        guard version <= 3 else { throw Self.noHeader("it has version \(version); versions up to 3 can be read") }
        sessionId = header["id"]?.stringValue.flatMap { Self.isSessionId($0) ? $0 : nil }
        createdAt = header["timestamp"].flatMap(TranscriptTime.milliseconds)
    }

    /// `^[a-z0-9][a-z0-9._-]{0,127}$`, whatever the case.
    static func isSessionId(_ text: String) -> Bool {
        guard (1...128).contains(text.utf8.count), let first = text.utf8.first else { return false }
        func isAlphanumeric(_ byte: UInt8) -> Bool {
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        }
        return isAlphanumeric(first) && text.utf8.allSatisfy { isAlphanumeric($0) || [0x2D, 0x2E, 0x5F].contains($0) }
    }

    private static func entry(
        _ line: ArraySlice<UInt8>, after last: String?, known: Set<String>, now: EpochMilliseconds
    ) throws(BadLine) -> Entry {
        let value: JSONValue
        do {
            value = try JSONParser.parse(line)
        } catch {
            throw BadLine(reason: "\(error)")
        }
        guard var members = value.objectValue else { throw BadLine(reason: "it is no object") }
        guard let type = members.removeValue(forKey: "type")?.stringValue else {
            throw BadLine(reason: "it has no type")
        }
        if type == "message", members["message"]?["role"]?.stringValue == nil {
            throw BadLine(reason: "the message has no role")
        }
        if let message = members["message"] { members["message"] = Self.disowned(message) }
        let given = members.removeValue(forKey: "id")?.stringValue
        if let given, given.isEmpty || given.utf8.count > longestId { throw BadLine(reason: "the id is too long") }
        if let given, known.contains(given) { throw BadLine(reason: "the id \(given) is there twice") }
        var id = given ?? Identifiers.randomHex(bytes: 4)
        while given == nil, known.contains(id) { id = Identifiers.randomHex(bytes: 4) }
        // A root says null. A parent that is not there (its line was left out, or older versions without parents)
        // becomes the line before.
        let parent: String?
        switch members.removeValue(forKey: "parentId") {
        case .null?: parent = nil
        case .string(let name)? where known.contains(name): parent = name
        default: parent = last
        }
        let written = members.removeValue(forKey: "timestamp").flatMap(TranscriptTime.milliseconds)
        let said = members["message"]?["timestamp"].flatMap(TranscriptTime.milliseconds)
        return Entry(
            id: id, parentId: parent, type: type, timestamp: written ?? said ?? now,
            body: JSONWriter.encode(.object(members)), text: TranscriptText.line(type: type, body: members))
    }

    /// An answer that says it is the operator's loses that name: a yes acts on what the operator asked here, never on
    /// what a file says that it asked.
    private static func disowned(_ message: JSONValue) -> JSONValue {
        guard message["provider"]?.stringValue == "operator" || message["api"]?.stringValue == "operator" else {
            return message
        }
        var message = message
        message["provider"] = "imported"
        message["api"] = "imported"
        return message
    }

    /// Writes the entries into the new session and what lists show of them.
    func insert(into session: SessionRow, _ database: Connection) throws {
        for entry in entries {
            try database.run(
                """
                INSERT INTO entries (transcript, id, parent_id, type, timestamp, body) VALUES (?, ?, ?, ?, ?, ?)
                """,
                .int(session.transcript), .text(entry.id), SQLValue(entry.parentId), .text(entry.type),
                .int(entry.timestamp), .utf8(entry.body))
        }
        let said = entries.compactMap(\.text)
        let title = said.first { $0.role == "user" }
        let preview = said.last { $0.role == "user" || $0.role == "assistant" }
        let created = createdAt ?? entries.first?.timestamp ?? session.createdAt
        try database.run(
            """
            UPDATE sessions SET leaf_id = ?, title = ?, preview = ?, created_at = ?, updated_at = ? WHERE id = ?
            """,
            SQLValue(entries.last?.id),
            SQLValue(title.map { TranscriptText.short($0.text, TranscriptText.titleLength) }),
            SQLValue(preview.map { TranscriptText.short($0.text, TranscriptText.previewLength) }), .int(created),
            .int(entries.map(\.timestamp).max() ?? session.updatedAt), .int(session.id))
        try database.run(
            "UPDATE transcripts SET created_at = ? WHERE id = ?", .int(created), .int(session.transcript))
    }
}
