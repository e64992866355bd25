import JarvisCore

/// What a snapshot shall hold.
struct SnapshotOptions: Sendable, Hashable {
    /// The form of the answer.
    enum Format: String, Sendable, CaseIterable { case ai, aria }

    var format = Format.ai
    /// At most so many nodes; nil: no limit of its own.
    var limit: Int?
    /// At most so many characters of text.
    var maxChars = SnapshotOptions.usualChars
    /// Only what can be operated.
    var isInteractive = false
    /// Without wrappers and empty structure.
    var isCompact = false
    /// Nothing with more nodes around it.
    var depth: Int?
    /// Only what is below the first match.
    var selector: String?
    /// Only this frame: a ref, a CSS selector of its element, its name or its address.
    var frame: String?
    var refs = RefStyle.role
    /// Whether a screenshot with the refs drawn in is wanted.
    var hasLabels = false

    /// Characters of an ordinary snapshot.
    static let usualChars = 80_000
    /// Characters of an efficient one.
    static let efficientChars = 10_000
    /// Nobody gets more.
    static let mostChars = 2_000_000
    /// Nodes of an `aria` snapshot.
    static let usualNodes = 500
    /// Nobody gets more of them.
    static let mostNodes = 5_000
}

extension SnapshotOptions {
    /// Reads the options of a request.
    ///
    /// - Throws: `BrowserError` 400 `invalid_input`.
    init(_ values: ArgumentReader) throws {
        format = try values.choice("format", Format.self) ?? .ai
        refs = try values.choice("refs", RefStyle.self) ?? .role
        hasLabels = try values.flag("labels") ?? false
        let mode = try values.text("mode")
        if format == .aria {
            if hasLabels {
                throw BrowserError.argument("labels need format=ai: an aria snapshot has no picture. Leave labels out.")
            }
            if mode != nil {
                throw BrowserError.argument(
                    "mode needs format=ai: an aria snapshot is limited by limit. Leave mode out.")
            }
        }
        if let mode {
            guard mode == "efficient" else {
                throw BrowserError.argument("mode is \"\(mode.prefix(40))\"; the only mode is efficient.")
            }
            maxChars = Self.efficientChars
            isInteractive = true
            isCompact = true
            depth = 6
        }
        isInteractive = try values.flag("interactive") ?? isInteractive
        isCompact = try values.flag("compact") ?? isCompact
        depth = try values.whole("depth", 0...1_000) ?? depth
        limit = try values.whole("limit", 1...1_000_000)
        // 0 is how callers ask for everything.
        if let most = try values.whole("maxChars", 0...Int(Int32.max)) {
            maxChars = most == 0 ? Self.mostChars : min(most, Self.mostChars)
        }
        selector = try values.text("selector")
        frame = try values.text("frame")
    }

    /// What the page script is told.
    var script: JSONValue {
        let narrowing = isCompact || depth != nil || isInteractive
        let nodes =
            format == .aria ? min(limit ?? Self.usualNodes, Self.mostNodes) + 1 : (limit.map { $0 + 1 } ?? 60_000)
        return .members([
            "all": .bool(refs == .aria || format == .aria), "interactive": .bool(isInteractive),
            // What is left out later does not count, so more has to be read than will be shown.
            "budget": .int(Int64(format == .aria ? nodes * 400 : maxChars * (narrowing ? 6 : 2) + 4_000)),
            "nodes": .int(Int64(nodes)), "text": .int(Int64(min(maxChars, 100_000))), "time": 4_000, "fresh": true,
            "describe": .bool(format == .aria), "selector": selector.map { .string($0) },
        ])
    }
}
