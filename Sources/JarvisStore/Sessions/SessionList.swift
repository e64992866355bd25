import JarvisCore
import JarvisKit

/// Which sessions to list.
package struct SessionFilter: Sendable {
    /// At most so many; nil for all.
    package var limit: Int?
    /// Only those used within so many minutes.
    package var activeMinutes: Int?
    /// Only those of this agent.
    package var agentId: String?
    /// Only those whose key, session id, label, display name or subject holds this text, whatever its case.
    package var search: String?
    /// Only the one with this label.
    package var label: String?
    /// Only those that this session spawned.
    package var spawnedBy: String?
    /// Whether the session `global` is listed. Default false.
    package var includeGlobal = false
    /// Whether the session `unknown` is listed. Default false.
    package var includeUnknown = false
    /// Whether to give titles made from the first user message. Default false.
    package var includeDerivedTitles = false
    /// Whether to give the beginning of the last message. Default false.
    package var includeLastMessage = false

    /// Every session of an agent, newest first.
    package init() {}
}

/// One row of a session list.
package struct SessionListItem: Sendable, Hashable {
    /// The session.
    package var session: SessionRecord
    /// The first user message, at most 60 characters with the ellipsis; nil unless asked for.
    package var derivedTitle: String?
    /// The last message of user or assistant, at most 120 characters with the ellipsis; nil unless asked for.
    package var lastMessagePreview: String?
}

extension Store {
    /// The sessions that `filter` lets through, the last used first.
    package func listSessions(_ filter: SessionFilter) async throws -> [SessionListItem] {
        var conditions: [String] = []
        var values: [SQLValue] = []
        func only(_ condition: String, _ value: SQLValue) {
            conditions.append(condition)
            values.append(value)
        }
        if let minutes = filter.activeMinutes {
            only("updated_at >= ?", .int(clock.now() - EpochMilliseconds(minutes) * 60_000))
        }
        if let agent = filter.agentId { only("agent_id = ?", .text(agent)) }
        if let search = filter.search, !search.isEmpty { only("instr(search, ?) > 0", .text(search.lowercased())) }
        if let label = filter.label { only("label = ?", .text(label)) }
        if let parent = filter.spawnedBy { only("spawned_by = ?", .text(parent)) }
        if !filter.includeGlobal { only("key <> ?", .text("global")) }
        if !filter.includeUnknown { only("key <> ?", .text("unknown")) }
        let condition = conditions.isEmpty ? "" : "WHERE \(conditions.joined(separator: " AND "))"
        values.append(.int(Int64(filter.limit ?? -1)))
        let sql = """
            SELECT \(SessionRow.columns), title, preview FROM sessions \(condition)
            ORDER BY updated_at DESC, id DESC LIMIT ?
            """
        let bound = values
        let rows = try await read { database in
            try database.rows(built: sql, bound) { row in
                (session: SessionRow(row), title: row.optionalText(9), preview: row.optionalText(10))
            }
        }
        return try rows.map { row in
            SessionListItem(
                session: try row.session.record(), derivedTitle: filter.includeDerivedTitles ? row.title : nil,
                lastMessagePreview: filter.includeLastMessage ? row.preview : nil)
        }
    }

    /// How many sessions there are, `global` and `unknown` included.
    package func sessionCount() async throws -> Int {
        try await read { try $0.row("SELECT count(*) FROM sessions") { Int($0.int(0)) } ?? 0 }
    }

    /// The session of this name, or nil.
    package func session(_ key: SessionKey) async throws -> SessionRecord? {
        try await read { try SessionRow.find(key, $0) }?.record()
    }

    /// The session whose current transcript is `sessionId`, or nil.
    package func session(sessionId: String) async throws -> SessionRecord? {
        try await one("session_id = ?", [.text(sessionId)])
    }

    /// The last used session with this label, of the given agent and parent where told; nil when there is none.
    package func session(
        label: String, agentId: String? = nil, spawnedBy: String? = nil
    ) async throws -> SessionRecord? {
        var condition = "label = ?"
        var values = [SQLValue.text(label)]
        if let agentId {
            condition += " AND agent_id = ?"
            values.append(.text(agentId))
        }
        if let spawnedBy {
            condition += " AND spawned_by = ?"
            values.append(.text(spawnedBy))
        }
        return try await one(condition, values)
    }

    private func one(_ condition: String, _ values: [SQLValue]) async throws -> SessionRecord? {
        let sql = "SELECT \(SessionRow.columns) FROM sessions WHERE \(condition) ORDER BY updated_at DESC LIMIT 1"
        return try await read { try $0.rows(built: sql, values, read: SessionRow.init).first }?.record()
    }
}
