import ArgumentParser
import JarvisCore
import JarvisHost
import JarvisSystem

/// `jarvis ports`.
struct PortsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ports",
        abstract: "Show every port of every gateway on this host, and who listens there.",
        discussion: """
            Lists base, browser control and leased browser ports of all gateways, whether they run or not, and gateways
            of other programs that are in the way. Creates nothing, asks no gateway.

            Examples:
              jarvis ports
              jarvis ports --json
              jarvis ports --all

            Exit codes: 0 no port is wanted by two; 1 at least one is; 2 there is no home directory.
            """)

    @Flag(help: "Also show gateways of other programs that don't run.")
    var all = false

    @OptionGroup var json: JSONOption

    func run() throws {
        let context = CLIContext.current
        let map = try PortMap.gather(environment: context.environment)
        PortsReport(map: map, showsAll: all, terminal: context.terminal).output.show(json: json.isOn)
        if !map.overlaps.isEmpty { throw ExitCode(1) }
    }
}

/// The map in two renderings.
struct PortsReport {
    let map: PortMap
    let showsAll: Bool
    let terminal: Terminal

    var output: CommandOutput { CommandOutput(json: json, text: text) }

    // MARK: For programs

    private var json: JSONValue {
        .members([
            "ok": .bool(map.overlaps.isEmpty), "instances": .array(map.rows.map(Self.json)),
            "foreign": .array(
                map.foreign.filter { showsAll || $0.listener != nil }.map { foreign in
                    .members([
                        "name": .string(foreign.gateway.name), "stateDir": .string(foreign.gateway.stateDirectory),
                        "ports": .array(foreign.gateway.ports.map { JSONValue($0) }),
                        "listening": .bool(foreign.listener != nil),
                        "holder": foreign.listener.map(Self.json),
                    ])
                }
                    + map.unexplained.sorted { $0.key < $1.key }.map { port, listener in
                        .members([
                            "name": .null, "ports": [JSONValue(port)], "listening": true,
                            "holder": Self.json(listener),
                        ])
                    }),
            "overlaps": .array(
                map.overlaps.map {
                    [
                        "port": JSONValue($0.port), "message": .string($0.message), "owners": JSONValue($0.owners),
                    ]
                }), "notes": JSONValue(map.notes),
        ])
    }

    private static func json(_ row: PortMap.Row) -> JSONValue {
        .members([
            "profile": .string(row.profile), "stateDir": .string(row.stateDirectory),
            "instanceId": JSONValue(row.instanceId), "running": .bool(row.isRunning), "base": JSONValue(row.base),
            "reservedBase": row.reservedBase.map { JSONValue($0) },
            "ports": .array(row.entries.map(json)),
            "strangers": .array(
                row.strangers.sorted { $0.key < $1.key }.map {
                    ["port": JSONValue($0.key), "holder": json($0.value)]
                }),
        ])
    }

    private static func json(_ entry: PortMap.Entry) -> JSONValue {
        var name: String?
        if case .browser(let browser) = entry.role { name = browser }
        if case .other(let purpose) = entry.role { name = purpose }
        var state = "free"
        var holder: JSONValue?
        switch entry.state {
        case .free: if entry.isLeased { state = "kept" }
        case .own(let process):
            state = "listening"
            holder = process.map { ["pid": JSONValue(Int($0.pid)), "command": .string($0.command)] }
        case .foreign(let listener):
            state = "foreign"
            holder = json(listener)
        }
        return .members([
            "port": JSONValue(entry.port), "role": .string(entry.role.word), "name": name.map(JSONValue.string),
            "state": .string(state), "holder": holder,
        ])
    }

    private static func json(_ listener: PortListeners.Listener) -> JSONValue {
        .members([
            "pid": listener.holder.map { JSONValue(Int($0.pid)) },
            "command": listener.holder.map { .string($0.command) }, "uid": JSONValue(Int(listener.userId)),
        ])
    }

    // MARK: For people

    private var text: String {
        guard !map.rows.isEmpty || !map.foreign.isEmpty || !map.unexplained.isEmpty else {
            return "No gateway is set up on this host for you. To make one: jarvis setup"
        }
        var table = TextTable(header: ["GATEWAY", "PORT", "WHAT", "NOW"])
        for row in map.rows {
            for (index, entry) in row.entries.enumerated() {
                table.add(index == 0 ? title(row) : "", String(entry.port), what(entry.role), now(entry, row))
            }
            for (port, listener) in row.strangers.sorted(by: { $0.key < $1.key }) {
                table.add("", String(port), "stranger", "\(printable(listener)), skipped")
            }
        }
        for foreign in map.foreign where showsAll || foreign.listener != nil {
            let listener = foreign.listener.map { "listening, \(printable($0))" } ?? "not running"
            table.add(
                foreign.gateway.name, String(foreign.gateway.base), "not JARVIS",
                "\(listener), \(foreign.gateway.stateDirectory)")
        }
        for (port, listener) in map.unexplained.sorted(by: { $0.key < $1.key }) {
            table.add("?", String(port), "not of this home", "listening, \(printable(listener))")
        }
        var lines = [table.text]
        if !map.overlaps.isEmpty || !map.notes.isEmpty { lines.append("") }
        lines += map.overlaps.map { "\(terminal.paint("overlap", .error)): \(Humanize.printable($0.message))" }
        lines += map.notes.map { "note: \($0)" }
        return lines.joined(separator: "\n")
    }

    /// The profile, with the place when it is not the profile's own.
    private func title(_ row: PortMap.Row) -> String {
        let usual = row.profile == "default" ? "/.jarvis" : "/.jarvis-\(row.profile)"
        return row.stateDirectory.hasSuffix(usual) ? row.profile : "\(row.profile) (\(row.stateDirectory))"
    }

    private func what(_ role: PortMap.Role) -> String {
        switch role {
        case .gateway: "gateway"
        case .browserControl: "browser control"
        case .browser(let name): "browser \(name)"
        case .other(let purpose): purpose
        }
    }

    private func now(_ entry: PortMap.Entry, _ row: PortMap.Row) -> String {
        let isWanted = map.overlaps.contains { $0.port == entry.port && $0.owners.contains(row.profile) }
        let mark = isWanted ? "  ← overlap" : ""
        switch entry.state {
        case .free:
            switch entry.role {
            case .browser(let name): return "kept for browser profile “\(name)” of “\(row.profile)”" + mark
            case .other(let purpose): return "kept for \(purpose) of “\(row.profile)”" + mark
            case .gateway, .browserControl: return (row.isRunning ? "free" : "not running") + mark
            }
        case .own(let holder):
            return "listening" + (holder.map { ", \(Humanize.printable($0.description))" } ?? "") + mark
        case .foreign(let listener): return "in the way: \(printable(listener))" + mark
        }
    }

    private func printable(_ listener: PortListeners.Listener) -> String {
        Humanize.printable(PortMap.name(listener))
    }
}
