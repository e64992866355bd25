import JarvisCore
import JarvisKit

/// How often people are asked, mildest first.
package enum AskMode: String, Sendable, Hashable, CaseIterable, Comparable {
    /// Never.
    case off
    /// About calls that deserve it, unless the allow-list has them. The default.
    case onMiss = "on-miss"
    /// About every call that acts.
    case always

    /// Milder than.
    package static func < (left: AskMode, right: AskMode) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .off: 0
        case .onMiss: 1
        case .always: 2
        }
    }

    /// Reads a setting: absent is `on-miss`; a word that is none of these asks always.
    package init(setting: JSONValue?) {
        guard let setting, !setting.isNull else {
            self = .onMiss
            return
        }
        self = setting.stringValue.flatMap(AskMode.init(rawValue:)) ?? .always
    }
}

/// `exec-approvals.json`: what the owner allowed for good, and how strict questions are. Pure; unknown members stay.
package struct ApprovalsDocument: Sendable, Hashable {
    /// An entry of an allow-list.
    package struct Entry: Sendable, Hashable {
        /// Its name.
        package var id: String
        /// What it allows; `*` stands for any text.
        package var pattern: String
        /// The agent, or `*` for all.
        package var agent: String

        /// Whether what stands before the first star names a tool (`browser:…`) or a place (`/usr/bin/…`).
        package var namesTool: Bool { Self.namesTool(pattern) }

        /// Whether `pattern` does so.
        package static func namesTool(_ pattern: String) -> Bool {
            guard let star = pattern.firstIndex(of: "*") else { return true }
            return pattern[..<star].contains { $0 == ":" || $0 == "/" }
        }
    }

    /// What the file says for one agent; nil: nothing.
    package struct Rules: Sendable, Hashable {
        /// `deny`, `allowlist`, `full`.
        package var security: String?
        /// How often people are asked.
        package var ask: AskMode?
        /// What an unanswered question counts as: `deny`, `allowlist`, `full`.
        package var askFallback: String?
    }

    /// The whole file.
    package private(set) var json: JSONObject

    /// A file without entries.
    package static let empty = ApprovalsDocument(unchecked: ["version": 1, "defaults": [:], "agents": [:]])

    private init(unchecked json: JSONObject) { self.json = json }

    /// Reads a document.
    ///
    /// - Throws: `JarvisError` `approvals.invalid`, naming the member and the form that was expected.
    package init(_ value: JSONValue) throws {
        func refuse(_ place: String, _ expected: String, _ found: JSONValue) -> JarvisError {
            JarvisError(
                "approvals.invalid", "exec-approvals: \(place) must be \(expected), found \(found.kindName)",
                exitCode: 2)
        }
        guard let json = value.objectValue else { throw refuse("the file", "an object", value) }
        if let version = json["version"], version.intValue != 1 {
            throw JarvisError("approvals.invalid", "exec-approvals: version must be 1", exitCode: 2)
        }
        func check(_ rules: JSONValue, _ place: String) throws {
            guard let rules = rules.objectValue else { throw refuse(place, "an object", rules) }
            for (key, words) in [
                ("security", Self.securities), ("askFallback", Self.securities),
                ("ask", AskMode.allCases.map(\.rawValue)),
            ] {
                guard let value = rules[key] else { continue }
                guard let word = value.stringValue, words.contains(word) else {
                    throw JarvisError(
                        "approvals.invalid",
                        "exec-approvals: \(place).\(key) must be one of \(words.joined(separator: ", "))", exitCode: 2)
                }
            }
        }
        if let defaults = json["defaults"] { try check(defaults, "defaults") }
        if let agents = json["agents"] {
            guard let agents = agents.objectValue else { throw refuse("agents", "an object", agents) }
            for (name, rules) in agents {
                let place = "agents.\(VisibleText.escaped(name, limit: 64))"
                try check(rules, place)
                guard let list = rules["allowlist"] else { continue }
                guard let entries = list.arrayValue else { throw refuse("\(place).allowlist", "a list", list) }
                for (index, entry) in entries.enumerated() where entry["pattern"]?.stringValue?.isEmpty ?? true {
                    throw refuse("\(place).allowlist[\(index)].pattern", "text", entry["pattern"] ?? .null)
                }
            }
        }
        self.json = json
    }

    private static let securities = ["deny", "allowlist", "full"]

    /// What holds for `agent`: its own words, then those of `*`, then the defaults.
    package func rules(agent: String) -> Rules {
        let levels = [json["agents"]?[agent], json["agents"]?["*"], json["defaults"]]
        func word(_ key: String) -> String? { levels.lazy.compactMap { $0?[key]?.stringValue }.first }
        return Rules(
            security: word("security"), ask: word("ask").flatMap(AskMode.init(rawValue:)),
            askFallback: word("askFallback"))
    }

    /// Every entry.
    package var entries: [Entry] {
        (json["agents"]?.objectValue ?? [:]).flatMap { agent, rules in
            (rules["allowlist"]?.arrayValue ?? []).compactMap { entry in
                guard let pattern = entry["pattern"]?.stringValue else { return nil }
                return Entry(id: entry["id"]?.stringValue ?? pattern, pattern: pattern, agent: agent)
            }
        }
    }

    /// The entry that allows what `pattern` names to `agent`; case counts. A star never stands for the name of the tool:
    /// `*` in a file that was written for commands does not allow a browser everything.
    package func entry(allowing pattern: String, agent: String) -> Entry? {
        entries.first { entry in
            (entry.agent == agent || entry.agent == "*") && entry.namesTool && Wildcard.matches(entry.pattern, pattern)
        }
    }

    /// With an entry for `agent`. The same pattern again changes nothing.
    ///
    /// - Parameter usedBy: The call that brought it, as people saw it; kept for the list, at most 500 characters.
    package func adding(
        pattern: String, agent: String, id: String, usedBy: String? = nil, now: EpochMilliseconds? = nil
    ) -> ApprovalsDocument {
        if entries.contains(where: { $0.agent == agent && $0.pattern == pattern }) { return self }
        var copy = self
        var agents = json["agents"]?.objectValue ?? [:]
        var rules = agents[agent]?.objectValue ?? [:]
        let entry = JSONValue.members([
            "id": .string(id), "pattern": .string(pattern), "lastUsedAt": now.map(JSONValue.int),
            "lastUsedCommand": usedBy.map { .string(String($0.prefix(500))) },
        ])
        rules["allowlist"] = .array((rules["allowlist"]?.arrayValue ?? []) + [entry])
        agents[agent] = .object(rules)
        copy.json["version"] = 1
        copy.json["agents"] = .object(agents)
        return copy
    }

    /// Without the entries whose id or pattern is `name`, of `agent` or, with nil, of every agent.
    package func removing(_ name: String, agent: String?) -> ApprovalsDocument {
        var copy = self
        var agents = json["agents"]?.objectValue ?? [:]
        for (key, rules) in agents where agent == nil || key == agent {
            guard var rules = rules.objectValue, let list = rules["allowlist"]?.arrayValue else { continue }
            rules["allowlist"] = .array(
                list.filter { $0["id"]?.stringValue != name && $0["pattern"]?.stringValue != name })
            agents[key] = .object(rules)
        }
        copy.json["agents"] = .object(agents)
        return copy
    }

    /// The document as clients see it: without the token of the approvals socket.
    package var shown: JSONValue {
        var value = JSONValue.object(json)
        if var socket = json["socket"]?.objectValue {
            socket["token"] = nil
            value["socket"] = .object(socket)
        }
        return value
    }

    /// This document with the socket of `old` where it names none: clients never see its token and can't send it back.
    package func keepingSocket(of old: ApprovalsDocument) -> ApprovalsDocument {
        guard let socket = old.json["socket"]?.objectValue else { return self }
        var copy = self
        var merged = json["socket"]?.objectValue ?? [:]
        for (key, value) in socket where merged[key] == nil { merged[key] = value }
        copy.json["socket"] = .object(merged)
        return copy
    }
}

/// What the settings say about a call. Pure.
package enum ApprovalPolicy {
    /// Decides.
    ///
    /// - Parameters:
    ///   - setting: The configuration's mode for this tool.
    ///   - document: The owner's file; a failure when it can't be read.
    package static func judge(
        _ assessment: ToolAssessment, of request: ApprovalRequest, setting: AskMode,
        document: Result<ApprovalsDocument, JarvisError>
    ) -> ToolVerdict {
        if assessment.risk == .read { return .run(why: "it only reads") }
        switch document {
        case .failure(let error):
            // Nobody knows any more what the owner forbade.
            guard assessment.needsApproval || setting == .always else { return .run(why: "no approval needed") }
            return .refuse("Not run: \(error.message). The owner must repair the file first.")
        case .success(let document):
            let rules = document.rules(agent: request.agentId)
            let isAsked = assessment.needsApproval
            if isAsked, rules.security == "deny" {
                return .refuse("Not run: the owner's exec-approvals.json denies such calls (security: deny).")
            }
            let mode = max(setting, rules.ask ?? .off)
            if mode == .always { return .ask }
            guard isAsked else { return .run(why: "no approval needed") }
            if let pattern = request.allowPattern,
                let entry = document.entry(allowing: pattern, agent: request.agentId)
            {
                return .run(why: "allow-list: \(entry.pattern)")
            }
            if mode == .onMiss { return .ask }
            if rules.security == "allowlist" {
                return .refuse("Not run: it is not on the owner's allow-list, and nobody is asked (ask: off).")
            }
            return .run(why: "ask is off")
        }
    }

    /// What a question that nobody answered counts as.
    package static func unanswered(_ request: ApprovalRequest, document: Result<ApprovalsDocument, JarvisError>)
        -> ToolVerdict
    {
        if case .success(let document) = document {
            let rules = document.rules(agent: request.agentId)
            // The owner may have written it while the question waited.
            let fallback = rules.security == "deny" ? "deny" : rules.askFallback
            if fallback == "full" { return .run(why: "nobody answered; askFallback is full") }
            if fallback == "allowlist", let pattern = request.allowPattern,
                let entry = document.entry(allowing: pattern, agent: request.agentId)
            {
                return .run(why: "nobody answered; askFallback is allowlist, which has \(entry.pattern)")
            }
        }
        return .refuse(
            "Not run: nobody answered the question for approval in time. Tell your person what you wanted to do, and "
                + "try again when they are there.")
    }
}
