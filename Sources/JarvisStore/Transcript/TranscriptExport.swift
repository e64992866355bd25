import JarvisCore

extension Store {
    /// A transcript, also one that was put away, in the family's JSONL format, version 3: one line an element, without
    /// line ends. The first line is the session header.
    ///
    /// - Parameter cwd: the working directory that the header names, usually the agent's workspace.
    /// - Throws: `JarvisError`: `session.unknown`.
    package func exportTranscript(sessionId: String, cwd: String) async throws -> [String] {
        try await read { database in
            guard let transcript = try Self.transcript(sessionId, database) else {
                throw JarvisError(
                    "session.unknown", "There is no transcript \(sessionId)", metadata: ["sessionId": sessionId])
            }
            let header: JSONValue = [
                "type": "session", "version": 3, "id": .string(sessionId),
                "timestamp": .string(WallClock.iso8601(transcript.createdAt)), "cwd": .string(cwd),
            ]
            return [JSONWriter.string(header)]
                + (try Self.entries(transcript.id, nil, nil, database).map { JSONWriter.string($0.line) })
        }
    }
}

extension TranscriptEntry {
    /// The entry as a line of the transcript format.
    package var line: JSONValue {
        var members: JSONObject = [
            "type": .string(type), "id": .string(id), "parentId": JSONValue(parentId),
            "timestamp": .string(WallClock.iso8601(timestamp)),
        ]
        members.merge(body) { own, _ in own }
        return .object(members)
    }
}
