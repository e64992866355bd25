import JarvisCore

/// The tables, and how an older database becomes a current one. Steps only go forward; a released step never changes.
enum StoreSchema {
    /// The version that this program writes (`PRAGMA user_version`).
    static let version = Int64(steps.count)

    /// Brings the database up to date inside one transaction.
    ///
    /// - Returns: the version that was found.
    /// - Throws: `JarvisError` `store.newer` when a later program has written it; nothing is changed then.
    static func migrate(_ database: Connection, path: String) throws -> Int64 {
        let found = try database.row("PRAGMA user_version") { $0.int(0) } ?? 0
        guard found <= version else {
            throw JarvisError(
                "store.newer",
                "The database \(path) has schema version \(found); this program knows versions up to \(version)",
                hint: "Start the newer jarvis that wrote it, or restore a backup made before the upgrade",
                metadata: ["found": "\(found)", "known": "\(version)"], exitCode: 78)
        }
        guard found < version else { return found }
        try database.run("BEGIN IMMEDIATE")
        do {
            for step in steps[Int(found)...] { try database.execute(step) }
            try database.execute("PRAGMA user_version = \(version)")
            try database.run("COMMIT")
        } catch {
            database.rollback()
            throw error
        }
        return found
    }

    /// Makes the tables of an earlier version in an empty database, to compare with.
    ///
    /// - Returns: false when this program does not know that version.
    static func build(_ database: Connection, version: Int64) throws(SQLiteError) -> Bool {
        guard (1...self.version).contains(version) else { return false }
        for step in steps.prefix(Int(version)) { try database.execute(step) }
        return true
    }

    private static let steps = [
        // 1: sessions and their transcripts (archived ones too), runs (whose unique id is
        // also what makes accepting idempotent), outbox, devices, meta.
        """
        CREATE TABLE transcripts (
            id INTEGER PRIMARY KEY,
            session_id TEXT NOT NULL,
            session_key TEXT NOT NULL,
            agent_id TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            archived_at INTEGER,
            archive_reason TEXT
        );
        CREATE INDEX transcripts_session_id ON transcripts (session_id);
        CREATE INDEX transcripts_archived ON transcripts (archived_at) WHERE archived_at IS NOT NULL;
        CREATE TABLE sessions (
            id INTEGER PRIMARY KEY,
            key TEXT NOT NULL UNIQUE,
            session_id TEXT NOT NULL UNIQUE,
            transcript INTEGER NOT NULL REFERENCES transcripts (id),
            agent_id TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL,
            leaf_id TEXT,
            title TEXT,
            preview TEXT,
            label TEXT,
            spawned_by TEXT,
            search TEXT NOT NULL,
            fields TEXT NOT NULL
        );
        CREATE INDEX sessions_updated ON sessions (updated_at);
        CREATE INDEX sessions_label ON sessions (label) WHERE label IS NOT NULL;
        CREATE TABLE entries (
            seq INTEGER PRIMARY KEY,
            transcript INTEGER NOT NULL,
            id TEXT NOT NULL,
            parent_id TEXT,
            type TEXT NOT NULL,
            timestamp INTEGER NOT NULL,
            run_id TEXT,
            body TEXT NOT NULL
        );
        CREATE INDEX entries_order ON entries (transcript, seq);
        CREATE TABLE runs (
            seq INTEGER PRIMARY KEY,
            run_id TEXT NOT NULL UNIQUE,
            scope TEXT NOT NULL,
            session_key TEXT NOT NULL,
            session_id TEXT NOT NULL,
            transcript INTEGER NOT NULL,
            agent_id TEXT NOT NULL,
            method TEXT NOT NULL,
            state TEXT NOT NULL,
            request TEXT NOT NULL,
            accepted_at INTEGER NOT NULL,
            started_at INTEGER,
            ended_at INTEGER,
            attempts INTEGER NOT NULL DEFAULT 0,
            error TEXT,
            summary TEXT,
            user_entry_id TEXT,
            user_entry_seq INTEGER
        );
        CREATE INDEX runs_open ON runs (seq) WHERE ended_at IS NULL;
        CREATE TABLE outbox (
            id INTEGER PRIMARY KEY,
            run_id TEXT NOT NULL,
            idempotency_key TEXT NOT NULL UNIQUE,
            target TEXT NOT NULL,
            payload TEXT NOT NULL,
            state TEXT NOT NULL,
            attempts INTEGER NOT NULL DEFAULT 0,
            created_at INTEGER NOT NULL,
            due_at INTEGER NOT NULL,
            delivered_id TEXT,
            error TEXT
        );
        CREATE INDEX outbox_open ON outbox (due_at, id) WHERE state IN ('pending', 'sending');
        CREATE TABLE devices (
            kind TEXT NOT NULL,
            id TEXT NOT NULL,
            record TEXT NOT NULL,
            updated_at INTEGER NOT NULL,
            PRIMARY KEY (kind, id)
        ) WITHOUT ROWID;
        CREATE TABLE meta (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) WITHOUT ROWID;
        """
    ]
}
