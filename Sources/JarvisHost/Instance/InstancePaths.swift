import JarvisCore

/// Every place that one instance owns. All are absolute and, with three exceptions (a custom config path, a long
/// control socket, a configured workspace), under the state directory. Nothing here touches the disk.
package struct InstancePaths: Sendable, Hashable {
    /// The state directory.
    package let state: String
    /// The control socket: `<state>/run/control.sock`, or a short path in `socketFallbackDirectory` when that is longer
    /// than `longestSocketPath` bytes.
    package let controlSocket: String

    /// The most bytes of a socket path that every supported system takes.
    package static let longestSocketPath = 100

    /// The paths under `state`. A socket path that would be too long moves to `<socketFallbackDirectory>/<digest of
    /// canonicalState>.sock`.
    package init(state: String, canonicalState: String, socketFallbackDirectory: String) {
        self.state = state
        let natural = HostPath.join(HostPath.join(state, "run"), "control.sock")
        let digest = Identifiers.sha256Hex(canonicalState.utf8).prefix(16)
        controlSocket =
            natural.utf8.count <= Self.longestSocketPath
            ? natural : HostPath.join(socketFallbackDirectory, "\(digest).sock")
    }

    /// `run/`: what is true only while a gateway runs.
    package var run: String { under("run") }
    /// `run/gateway.json`: the runtime file.
    package var runtimeFile: String { under("run/gateway.json") }
    /// `run/owner.json`: who holds the lock on the state directory, for error messages.
    package var ownerNote: String { under("run/owner.json") }
    /// `instance.json`: the permanent identity.
    package var identityFile: String { under("instance.json") }
    /// `logs/`.
    package var logs: String { under("logs") }
    /// `logs/gateway.log`: JSON lines.
    package var gatewayLog: String { under("logs/gateway.log") }
    /// `logs/config-audit.jsonl`: one line for each change of the configuration.
    package var configAudit: String { under("logs/config-audit.jsonl") }
    /// `store/`: the database.
    package var store: String { under("store") }
    /// `backups/`: what is set aside before a repair or migration.
    package var backups: String { under("backups") }
    /// `config/`: journal, undo records and the last good version of the configuration.
    package var configJournal: String { under("config") }
    /// `quarantine/`: damaged input, kept for inspection.
    package var quarantine: String { under("quarantine") }
    /// `identity/`: the device key of this instance's own client.
    package var identity: String { under("identity") }
    /// `identity/device.json`.
    package var deviceKey: String { under("identity/device.json") }
    /// `identity/device-auth.json`: tokens that this instance's own client was given.
    package var deviceTokens: String { under("identity/device-auth.json") }
    /// `devices/`: paired clients in the family's file form.
    package var devices: String { under("devices") }
    /// `agents/`.
    package var agents: String { under("agents") }
    /// `credentials/`.
    package var credentials: String { under("credentials") }
    /// `browser/`: user-data directories, one for each browser profile.
    package var browser: String { under("browser") }
    /// `canvas/`: files that the gateway serves.
    package var canvas: String { under("canvas") }
    /// `media/`.
    package var media: String { under("media") }
    /// `cron/`.
    package var cron: String { under("cron") }
    /// `memory/`.
    package var memory: String { under("memory") }
    /// `.env`: variables for this instance alone.
    package var dotenv: String { under(".env") }
    /// What the owner allowed agents for good.
    package var execApprovals: String { under("exec-approvals.json") }
    /// `cli-history`: lines typed in the terminal chat.
    package var chatHistory: String { under("cli-history") }

    /// The directory of agent `id`: `agents/<id>`. An id that is no plain file name is hashed first.
    package func agent(_ id: String) -> String { HostPath.join(agents, Self.fileName(id)) }
    /// The session files of agent `id`: `agents/<id>/sessions`.
    package func agentSessions(_ id: String) -> String { HostPath.join(agent(id), "sessions") }
    /// The credentials and model list of agent `id`: `agents/<id>/agent`.
    package func agentHome(_ id: String) -> String { HostPath.join(agent(id), "agent") }

    /// `id` when it is 1 to 64 of `A-Z a-z 0-9 _ -`, else the first 32 digits of its digest: no id is ever a path.
    package static func fileName(_ id: String) -> String {
        let plain = id.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        return plain && (1...64).contains(id.utf8.count) ? id : String(Identifiers.sha256Hex(id.utf8).prefix(32))
    }

    private func under(_ name: String) -> String { HostPath.join(state, name) }
}
