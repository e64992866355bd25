import JarvisCore

/// `session`.
package struct SessionConfig: Sendable {
    /// When a conversation begins anew.
    package struct Reset: Sendable, Hashable {
        /// `daily` (default), `idle` or `off`.
        package let mode: String
        /// The hour of the daily reset, local time. Default 4.
        package let atHour: Int
        /// How long is idle, in minutes; with mode `daily` nil means no idle reset. Default 60 with mode `idle`.
        package let idleMinutes: Int?
    }

    /// `per-sender` (default) or `global`.
    package let scope: String
    /// `main` (default), `per-peer`, `per-channel-peer` or `per-account-channel-peer`.
    package let dmScope: String
    /// The same person on several channels: name → `channel:id`.
    package let identityLinks: [String: [String]]
    /// The last part of the main conversation's key. Default `main`.
    package let mainKey: String
    /// Messages that begin a new conversation. Default `/new`, `/reset`.
    package let resetTriggers: [String]
    /// When a conversation begins anew.
    package let reset: Reset
    /// The same for `direct`, `group`, `thread`.
    package let resetByType: [String: Reset]
    /// The same by channel.
    package let resetByChannel: [String: Reset]
    /// How often agents answer each other. Default 5.
    package let maxPingPongTurns: Int
    /// `session.sendPolicy` as it stands; nil when absent.
    package let sendPolicy: JSONValue?

    init(_ reader: ConfigReader) {
        scope = reader.string("scope", else: "per-sender")
        dmScope = reader.string("dmScope", else: "main")
        identityLinks = Dictionary(
            (reader.json("identityLinks")?.objectValue ?? [:]).map { name, ids in
                (name, ids.arrayValue?.compactMap(\.stringValue) ?? [])
            }, uniquingKeysWith: { first, _ in first })
        mainKey = reader.string("mainKey", else: "main")
        resetTriggers = reader.strings("resetTriggers")
        let legacyIdle = reader.int("idleMinutes")
        let section = reader.json("reset")?.objectValue
        let mode = section == nil && legacyIdle != nil ? "idle" : reader.string("reset.mode", else: "daily")
        let idle = section?["idleMinutes"]?.intValue ?? legacyIdle
        let standard = Reset(
            mode: mode, atHour: reader.int("reset.atHour", else: 4),
            idleMinutes: idle ?? (mode == "idle" ? reader.int("reset.idleMinutes", else: 60) : nil))
        reset = standard
        resetByType = Self.resets(reader.map("resetByType"), standard)
        resetByChannel = Self.resets(reader.map("resetByChannel"), standard)
        maxPingPongTurns = reader.int("agentToAgent.maxPingPongTurns", else: 5)
        sendPolicy = reader.json("sendPolicy")
    }

    private static func resets(
        _ entries: [(name: String, reader: ConfigReader)], _ standard: Reset
    ) -> [String: Reset] {
        var result: [String: Reset] = [:]
        for (name, reader) in entries {
            let mode = reader.string("mode") ?? standard.mode
            result[name] = Reset(
                mode: mode, atHour: reader.int("atHour") ?? standard.atHour,
                idleMinutes: reader.int("idleMinutes") ?? standard.idleMinutes ?? (mode == "idle" ? 60 : nil))
        }
        return result
    }
}
