import JarvisCore

/// The truth table of `InstanceResolver`: every combination of what flags and environment can say, over one home with
/// three instances (the default one, `rescue`, `work`) and one more at a custom place. The documentation of precedence
/// is made from it, and the tests go through it cell by cell.
package enum PrecedenceTable {
    /// The home of the table.
    package static let home = "/home/ada"
    /// The custom place, which holds an instance of its own.
    package static let customState = "/home/ada/elsewhere"
    /// The ids of the instances, by state directory.
    package static let identities = [
        "/home/ada/.jarvis": "id-default", "/home/ada/.jarvis-rescue": "id-rescue", "/home/ada/.jarvis-work": "id-work",
        "/home/ada/elsewhere": "id-elsewhere",
    ]

    /// The values that one source can have; nil is “not set”.
    package enum Axis: String, Sendable, CaseIterable {
        /// `--profile`.
        case flag = "--profile"
        /// The profile of the environment.
        case profile = "JARVIS_PROFILE"
        /// The instance id of the environment.
        case instanceId = "JARVIS_INSTANCE_ID"
        /// The state directory of the environment.
        case state = "JARVIS_STATE_DIR"
        /// The configuration of the environment.
        case config = "JARVIS_CONFIG_PATH"
        /// The port of the environment.
        case port = "JARVIS_GATEWAY_PORT"
        /// What a service manager leaves in the environment of a gateway and of everything below it.
        case service = "service marks"
        /// The working directory.
        case directory = "working directory"

        /// The values, “not set” first.
        package var values: [String?] {
            switch self {
            case .flag: [nil, "default", "rescue"]
            case .profile: [nil, "default", "rescue", "work"]
            case .instanceId: [nil, "id-rescue", "id-work", "id-elsewhere"]
            case .state:
                [nil, "/home/ada/.jarvis-rescue", "/home/ada/.jarvis-work", customState, "elsewhere"]
            case .config:
                [
                    nil, "/home/ada/.jarvis-rescue/jarvis.json", "/home/ada/.jarvis-work/jarvis.json",
                    "/home/ada/custom.json",
                ]
            case .port: [nil, "20000"]
            case .service: [nil, "set"]
            case .directory: [home, "/home/ada/.jarvis-work"]
            }
        }
    }

    /// One combination.
    package struct Cell: Sendable {
        /// What was said, by source; what was not said is missing.
        package var said: [Axis: String]
        /// What came of it.
        package var outcome: Result<Instance, JarvisError>

        /// The variables of the combination, as a process would have them.
        package var variables: [String: String] { PrecedenceTable.variables(said) }
    }

    /// The cell of one combination.
    package static func cell(_ said: [Axis: String]) -> Cell {
        let identities = identities
        let environment = HostEnvironment(
            variables: variables(said), currentDirectory: said[.directory] ?? home, userId: 1000,
            instanceIdAt: { identities[$0] })
        do throws(JarvisError) {
            let selection = ProfileSelection(flag: said[.flag])
            return Cell(
                said: said,
                outcome: .success(try InstanceResolver.resolve(selection: selection, environment: environment)))
        } catch {
            return Cell(said: said, outcome: .failure(error))
        }
    }

    /// Every combination of `axes`; the other sources are not set.
    package static func combinations(_ axes: [Axis]) -> [[Axis: String]] {
        axes.reduce([[:]]) { rows, axis in
            rows.flatMap { row in
                axis.values.map { value in
                    var next = row
                    next[axis] = value
                    return next
                }
            }
        }
    }

    private static func variables(_ said: [Axis: String]) -> [String: String] {
        var variables = ["HOME": home]
        for axis in [Axis.profile, .instanceId, .state, .config, .port] { variables[axis.rawValue] = said[axis] }
        if said[.service] != nil {
            variables["JARVIS_SERVICE_MARKER"] = "jarvis"
            variables["JARVIS_SERVICE_KIND"] = "gateway"
            variables["JARVIS_SYSTEMD_UNIT"] = "jarvis-gateway-work.service"
            variables["INVOCATION_ID"] = "0123456789abcdef0123456789abcdef"
            variables["NOTIFY_SOCKET"] = "/run/user/1000/systemd/notify"
        }
        return variables
    }
}

extension PrecedenceTable.Cell {
    /// One line for programs: what was said, then what came of it.
    package var json: JSONValue {
        var line: JSONObject = [:]
        line["said"] = .object(
            JSONObject(
                uniqueKeysWithValues: PrecedenceTable.Axis.allCases.compactMap { axis in
                    said[axis].map { (axis.rawValue, .string($0)) }
                }))
        switch outcome {
        case .failure(let error):
            line["error"] = .string(error.code.rawValue)
            line["exitCode"] = JSONValue(Int(error.exitCode))
        case .success(let instance):
            line["profile"] = .string(instance.displayName)
            line["stateDirectory"] = .string(instance.stateDirectory)
            line["configPath"] = .string(instance.configPath)
            line["port"] = JSONValue(instance.portVariable)
            line["overruled"] = JSONValue(overruled(instance))
        }
        return .object(line)
    }

    /// The variables that were said and did not count.
    private func overruled(_ instance: Instance) -> [String] {
        var names = Instance.Value.allCases.flatMap { value in
            instance.provenance[value]?.overruled.map(\.source.description) ?? []
        }.map { String($0.drop { $0 != " " }.dropFirst()) }
        if instance.inheritedPortVariable != nil { names.append("JARVIS_GATEWAY_PORT") }
        return names.sorted()
    }
}
