import JarvisCore
import JarvisKit

/// The end of one conversation, for people.
package struct SessionPreview: Sendable, Hashable {
    /// Whether there was something to show.
    package enum Status: String, Sendable {
        case ok, empty, missing, error
    }

    /// One line of it.
    package struct Item: Sendable, Hashable {
        /// `user`, `assistant`, `tool`, `system` or `other`.
        package var role: String
        /// What was said, on one line.
        package var text: String
    }

    /// The session.
    package var key: SessionKey
    /// Whether there was something to show.
    package var status: Status
    /// Oldest first.
    package var items: [Item]
}

extension Store {
    /// The last items of each session, in the order of `keys`.
    ///
    /// - Parameters:
    ///   - limit: so many items of each session. Default 12.
    ///   - maxChars: so many characters of each item, at least 20. Default 240.
    package func previewSessions(
        _ keys: [SessionKey], limit: Int = 12, maxChars: Int = 240
    ) async throws -> [SessionPreview] {
        let limit = max(limit, 1)
        let length = max(maxChars, 20)
        return try await read { database in
            try keys.map { key in
                guard let session = try SessionRow.find(key, database) else {
                    return SessionPreview(key: key, status: .missing, items: [])
                }
                // Some entries show nothing; a few more than asked for usually make up for them.
                let rows = try database.rows(
                    "SELECT type, body FROM entries WHERE transcript = ? ORDER BY seq DESC LIMIT ?",
                    .int(session.transcript), .int(Int64(limit * 3))
                ) { (type: $0.text(0), body: $0.bytes(1)) }
                let items = try rows.lazy
                    .compactMap { TranscriptText.line(type: $0.type, body: try StoredJSON.object($0.body)) }
                    .prefix(limit)
                    .map { SessionPreview.Item(role: $0.role, text: TranscriptText.short($0.text, length)) }
                return SessionPreview(key: key, status: items.isEmpty ? .empty : .ok, items: items.reversed())
            }
        }
    }
}
