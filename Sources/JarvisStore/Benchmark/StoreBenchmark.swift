import JarvisCore
import JarvisKit
import Logging

/// Measures what the store promises about speed: durable accepts of many senders against SQLite alone, in one run.
package enum StoreBenchmark {
    /// What was measured.
    package struct Result: Sendable {
        /// Senders that wait for each other's sync.
        package var senders: Int
        /// `Store.accept` calls a second, durable: session, entry and run.
        package var acceptsPerSecond: Double
        /// The same promise by SQLite alone, in messages a second: one row for the message, one for the run with a
        /// unique name, one session updated, one sync for as many messages as there are senders.
        package var rawPerSecond: Double
        /// Rows of 1 KiB a second by SQLite alone, one sync for as many rows as there are senders.
        package var rawRowsPerSecond: Double
        /// Accepts divided by what SQLite alone does for the same promise.
        package var ratio: Double { acceptsPerSecond / rawPerSecond }

        /// One line for people.
        package var description: String {
            func hundredths(_ number: Double) -> String {
                let value = Int(number * 100)
                return "\(value / 100).\(value % 100 < 10 ? "0" : "")\(value % 100)"
            }
            return """
                senders \(senders): \(Int(acceptsPerSecond)) durable accepts/s; SQLite alone \
                \(Int(rawPerSecond)) messages/s (ratio \(hundredths(ratio))), \(Int(rawRowsPerSecond)) rows of 1 KiB/s \
                (ratio \(hundredths(acceptsPerSecond / rawRowsPerSecond)))
                """
        }
    }

    /// Alternates both sides, `rounds` times, in fresh databases below `directory`, and gives the medians.
    ///
    /// - Parameters:
    ///   - senders: concurrent callers; also the rows of one raw transaction.
    ///   - messages: accepts a round.
    package static func run(
        directory: String, senders: Int = 100, messages: Int = 10_000, rounds: Int = 3
    ) async throws -> Result {
        var accepts: [Double] = []
        var raw: [Double] = []
        var rows: [Double] = []
        for round in 0..<rounds {
            let place = "\(directory)/round-\(round)"
            rows.append(try rawRows("\(place)/rows", batch: senders, rows: messages))
            raw.append(try rawPromises("\(place)/raw", batch: senders, messages: messages))
            accepts.append(try await storeAccepts("\(place)/store", senders: senders, messages: messages))
        }
        func median(_ numbers: [Double]) -> Double { numbers.sorted()[numbers.count / 2] }
        return Result(
            senders: senders, acceptsPerSecond: median(accepts), rawPerSecond: median(raw),
            rawRowsPerSecond: median(rows))
    }

    private static let text = String(repeating: "Hello there, this is what a user wrote. ", count: 18)

    private static let quiet = Logger(label: "jarvis.benchmark") { _ in SwiftLogNoOpLogHandler() }

    private static func storeAccepts(_ directory: String, senders: Int, messages: Int) async throws -> Double {
        let store = try Store.open(directory: directory, logger: quiet)
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for sender in 0..<senders {
                group.addTask {
                    for number in 0..<(messages / senders) {
                        let request = InboundRequest(
                            runId: "run-\(sender)-\(number)", sessionKey: SessionKey.main(agent: "a\(sender)"),
                            agentId: "a\(sender)", method: "chat.send",
                            message: .user(content: [.text(text)], timestamp: 0), dedupeScope: "benchmark")
                        _ = try await store.accept(request)
                    }
                }
            }
            try await group.waitForAll()
        }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        await store.close()
        return Double(messages / senders * senders) / seconds
    }

    /// One table, one statement, one sync a batch: what SQLite can do here at best.
    private static func rawRows(_ directory: String, batch: Int, rows: Int) throws -> Double {
        let database = try rawDatabase(directory, "CREATE TABLE rows (id INTEGER PRIMARY KEY, name TEXT, body TEXT)")
        let body = SQLValue.utf8([UInt8](repeating: UInt8(ascii: "x"), count: 1024))
        return try perSecond(database, batch: batch, count: rows) { _ in
            try database.run("INSERT INTO rows (name, body) VALUES (?, ?)", .text("n"), body)
        }
    }

    /// The least that promising an answer takes: message, run, session.
    private static func rawPromises(_ directory: String, batch: Int, messages: Int) throws -> Double {
        let database = try rawDatabase(
            directory,
            """
            CREATE TABLE messages (id INTEGER PRIMARY KEY, session INTEGER, body TEXT);
            CREATE TABLE runs (id INTEGER PRIMARY KEY, name TEXT UNIQUE, message INTEGER, request TEXT);
            CREATE TABLE sessions (id INTEGER PRIMARY KEY, updated INTEGER, fields TEXT);
            """)
        for id in 0..<batch {
            try database.run("INSERT INTO sessions VALUES (?, 0, ?)", .int(Int64(id)), .text(String(text.prefix(400))))
        }
        let body = SQLValue.utf8(Array(text.utf8))
        return try perSecond(database, batch: batch, count: messages) { number in
            let session = Int64(number % batch)
            try database.run("INSERT INTO messages (session, body) VALUES (?, ?)", .int(session), body)
            try database.run(
                "INSERT INTO runs (name, message, request) VALUES (?, ?, ?)",
                .text("run-\(session)-\(number / batch)"), .int(database.lastInsertedRow), .text("{}"))
            try database.run("UPDATE sessions SET updated = ? WHERE id = ?", .int(Int64(number)), .int(session))
        }
    }

    private static func rawDatabase(_ directory: String, _ tables: String) throws -> Connection {
        try DurableFile.createDirectory(directory)
        let path = "\(directory)/raw.sqlite"
        try DurableFile.write([], to: path)
        let database = try Connection(path: path)
        _ = try database.row("PRAGMA journal_mode = WAL") { $0.text(0) }
        try database.execute("PRAGMA synchronous = FULL; \(tables)")
        return database
    }

    private static func perSecond(
        _ database: Connection, batch: Int, count: Int, _ body: (Int) throws -> Void
    ) throws -> Double {
        let start = ContinuousClock.now
        for first in stride(from: 0, to: count, by: batch) {
            try database.run("BEGIN IMMEDIATE")
            for number in first..<min(first + batch, count) { try body(number) }
            try database.run("COMMIT")
        }
        return Double(count) / ((ContinuousClock.now - start) / .seconds(1))
    }
}
