import JarvisCore

/// What a gateway said of itself, after it proved over its control socket that it is the gateway of its state
/// directory.
package struct AttestedGateway: Sendable {
    /// The ports it serves on.
    package struct Ports: Sendable, Hashable {
        /// HTTP and WebSocket: the base.
        package var gateway: Int
        /// The browser control service; nil when it is off.
        package var browserControl: Int?
    }

    /// Who can reach it. Never holds a secret.
    package struct Exposure: Sendable, Hashable {
        /// `loopback`, `lan`, `tailnet`, `custom`.
        package var bind: String
        /// The addresses it listens on.
        package var hosts: [String]
        /// Whether other hosts may reach the port.
        package var isExposed: Bool
        /// How clients prove themselves: `token`, `password`, `none`, `trusted-proxy`.
        package var auth: String

        /// One word for tables: `loopback`, or the bind mode and the way to prove oneself, `lan+token`.
        package var text: String { isExposed || auth == "none" ? "\(bind)+\(auth)" : bind }
    }

    /// One account on a chat system.
    package struct Channel: Sendable, Hashable {
        /// `telegram`, `irc` …
        package var name: String
        /// Its state in one word: `connected`, `parked` …; empty when it says none.
        package var state: String
    }

    /// The browser of one browser profile, started since the gateway runs.
    package struct Browser: Sendable, Hashable {
        /// The browser profile.
        package var profile: String
        /// `starting`, `running`, `stopping`, `stopped`, `failed`.
        package var state: String
        /// Its process; nil when it does not run or is not the gateway's child.
        package var pid: Int32?
        /// Its debugging port; nil while none is open.
        package var cdpPort: Int?
        /// Why it does not run, when nobody stopped it.
        package var reason: String?

        /// One word for tables: `work`, or `work:failed` when it does not run as it should.
        package var text: String { state == "running" ? profile : "\(profile):\(state)" }
    }

    /// The last thing that went wrong.
    package struct LastError: Sendable, Hashable {
        /// When.
        package var at: EpochMilliseconds
        /// What, redacted, for people.
        package var message: String
    }

    /// The proof.
    package var proof: OwnerProof
    /// The program's version.
    package var version: String
    /// The base port.
    package var base: Int { ports.gateway }
    /// The ports it serves on.
    package var ports: Ports
    /// Since when it serves.
    package var startedAt: EpochMilliseconds
    /// For how long, in milliseconds.
    package var uptimeMs: Int64
    /// Resident memory in bytes; 0 where the system does not tell.
    package var rssBytes: Int
    /// `starting`, `ready`, `draining`.
    package var phase: String
    /// Who can reach it.
    package var exposure: Exposure
    /// Its chat accounts.
    package var channels: [Channel]
    /// When the last message came or went; nil when there was none.
    package var lastMessageAt: EpochMilliseconds?
    /// The last error since it started; nil when there was none.
    package var lastError: LastError?
    /// Who keeps it running.
    package var supervisedBy: ServiceMarker.Supervisor
    /// The configuration it runs with.
    package var configPath: String
    /// The program file it runs; nil where the system does not tell. Ends in ` (deleted)` when it was replaced.
    package var executable: String?
    /// Its browsers.
    package var browsers: [Browser]
    /// Why the browser control service is off although it is wanted; nil: it is not.
    package var browserControlProblem: String?
    /// Keys of the configuration that changed and wait for a restart.
    package var restartPending: [String]
    /// Agents whose model has a small window for their tools, one sentence each.
    package var toolRoom: [String]
    /// Connected clients.
    package var clients: Int
    /// Runs in progress.
    package var activeRuns: Int
    /// Everything it answered.
    package var document: JSONValue

    /// Reads the answer of `/__jarvis__/instance`; nil when it is none.
    package init?(proof: OwnerProof, document: JSONValue) {
        guard document["instanceId"]?.stringValue == proof.instanceId,
            let gateway = document["ports"]?["gateway"]?.intValue
        else { return nil }
        let exposure = document["exposure"]
        self.proof = proof
        self.document = document
        version = document["version"]?.stringValue ?? ""
        ports = Ports(gateway: gateway, browserControl: document["ports"]?["browserControl"]?.intValue)
        startedAt = document["startedAtMs"]?.intValue.map(EpochMilliseconds.init) ?? 0
        uptimeMs = document["uptimeMs"]?.intValue.map(Int64.init) ?? 0
        rssBytes = document["rssBytes"]?.intValue ?? 0
        phase = document["phase"]?.stringValue ?? "unknown"
        self.exposure = Exposure(
            bind: exposure?["bind"]?.stringValue ?? "unknown",
            hosts: exposure?["hosts"]?.arrayValue?.compactMap(\.stringValue) ?? [],
            isExposed: exposure?["isExposed"]?.boolValue ?? false,
            auth: exposure?["auth"]?.stringValue ?? "unknown")
        channels = (document["channels"]?.arrayValue ?? []).compactMap { channel in
            (channel["name"]?.stringValue ?? channel.stringValue).map {
                Channel(name: $0, state: channel["state"]?.stringValue ?? "")
            }
        }
        lastMessageAt = document["lastMessageAtMs"]?.intValue.map(EpochMilliseconds.init)
        lastError = document["lastError"]?["message"]?.stringValue.map {
            LastError(at: document["lastError"]?["atMs"]?.intValue.map(EpochMilliseconds.init) ?? 0, message: $0)
        }
        supervisedBy =
            document["supervisedBy"]?.stringValue.flatMap(ServiceMarker.Supervisor.init(rawValue:)) ?? .none
        configPath = document["configPath"]?.stringValue ?? ""
        executable = document["executable"]?.stringValue
        browsers = (document["browsers"]?.arrayValue ?? []).compactMap { browser in
            browser["profile"]?.stringValue.map {
                Browser(
                    profile: $0, state: browser["state"]?.stringValue ?? "",
                    pid: browser["pid"]?.intValue.flatMap(Int32.init(exactly:)), cdpPort: browser["cdpPort"]?.intValue,
                    reason: browser["reason"]?.stringValue)
            }
        }
        browserControlProblem = document["browserControlProblem"]?.stringValue
        restartPending = document["restartPending"]?.arrayValue?.compactMap(\.stringValue) ?? []
        toolRoom = document["toolRoom"]?.arrayValue?.compactMap(\.stringValue) ?? []
        clients = document["clients"]?.intValue ?? 0
        activeRuns = document["activeRuns"]?.intValue ?? 0
    }
}
