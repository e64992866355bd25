import JarvisCore
import JarvisHost

/// docs/reference/precedence.md, from `PrecedenceTable`.
enum PrecedenceReference {
    static var text: String {
        var lines = head
        for flag in PrecedenceTable.Axis.flag.values {
            lines += ["", "## " + (flag.map { "`--profile \($0)`" } ?? "No flag"), ""]
            lines += table(flag)
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static let head = [
        "<!-- made by `make references`; do not edit -->",
        "# Which gateway a command means",
        "",
        "Flags and environment together name one gateway. This page shows every combination, made from the rules that "
            + "the program itself uses; `jarvis which` shows the same for your own shell, with the reason for each "
            + "value.",
        "",
        "In words:",
        "",
        "1. Without a flag the environment decides: `JARVIS_STATE_DIR` and `JARVIS_CONFIG_PATH` each for itself, then "
            + "`JARVIS_PROFILE`, then the default instance. A profile with a path that is another profile's own, or "
            + "the state of one with the configuration of another, is refused (exit 2).",
        "2. A flag beats every value that was inherited from another gateway: a path that is that gateway's own, or "
            + "one that carries the instance id of the environment. `JARVIS_GATEWAY_PORT` is then set aside with it.",
        "3. A flag together with a custom path is taken as meant when nothing in the environment speaks of another "
            + "gateway, and refused (exit 2) when something does.",
        "4. The state directory never follows from the place of the configuration file.",
        "5. The marks of a service manager and the working directory decide nothing; a relative path starts in the "
            + "working directory.",
        "",
        "The tables stand over a home `~` with the default instance, `rescue` and `work`, and one more instance in "
            + "`~/elsewhere`. A cell says profile, state directory and configuration, `own` for the profile's usual "
            + "place; `refused` is exit 2. A `¹` marks the combinations that set `JARVIS_GATEWAY_PORT` aside when it "
            + "is set. Columns are `JARVIS_CONFIG_PATH`.",
    ]

    private static func table(_ flag: String?) -> [String] {
        let configs = PrecedenceTable.Axis.config.values
        var lines = [
            "| `JARVIS_PROFILE` | `JARVIS_STATE_DIR` | `JARVIS_INSTANCE_ID` | "
                + configs.map { $0.map(short) ?? "not set" }.joined(separator: " | ") + " |",
            "|" + String(repeating: "---|", count: configs.count + 3),
        ]
        for profile in PrecedenceTable.Axis.profile.values {
            for state in PrecedenceTable.Axis.state.values {
                lines += rows(flag, profile, state)
            }
        }
        return lines
    }

    /// The rows of one profile and state directory; ids that give the same row share it.
    private static func rows(_ flag: String?, _ profile: String?, _ state: String?) -> [String] {
        var groups: [(ids: [String], cells: [String])] = []
        for id in PrecedenceTable.Axis.instanceId.values {
            let cells = PrecedenceTable.Axis.config.values.map { config in
                var said: [PrecedenceTable.Axis: String] = [.port: "20000"]
                said[.flag] = flag
                said[.profile] = profile
                said[.state] = state
                said[.instanceId] = id
                said[.config] = config
                return Self.cell(said)
            }
            let name = id.map { "`\($0)`" } ?? "not set"
            if let index = groups.firstIndex(where: { $0.cells == cells }) {
                groups[index].ids.append(name)
            } else {
                groups.append(([name], cells))
            }
        }
        return groups.map { group in
            let ids = groups.count == 1 ? "any" : group.ids.joined(separator: ", ")
            let words = [profile.map { "`\($0)`" } ?? "not set", state.map(short) ?? "not set", ids] + group.cells
            return "| " + words.joined(separator: " | ") + " |"
        }
    }

    private static func cell(_ said: [PrecedenceTable.Axis: String]) -> String {
        switch PrecedenceTable.cell(said).outcome {
        case .failure: return "refused"
        case .success(let instance):
            let own = PrecedenceTable.home + "/.jarvis\(instance.suffix)"
            let state = instance.stateDirectory == own ? "own" : short(instance.stateDirectory)
            let config =
                instance.configPath == own + "/jarvis.json" && state == "own" ? "own" : short(instance.configPath)
            let mark = instance.inheritedPortVariable == nil ? "" : " ¹"
            let places = state == "own" && config == "own" ? "own" : "\(state), \(config)"
            return "\(instance.displayName): \(places)\(mark)"
        }
    }

    private static func short(_ path: String) -> String {
        let text = path.hasPrefix(PrecedenceTable.home) ? "~" + path.dropFirst(PrecedenceTable.home.count) : path
        return "`\(text)`"
    }
}
