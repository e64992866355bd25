import JarvisCore
import JarvisHost
import Testing

/// Every combination of flag, variables and working directory against a small oracle that works on labels, not on
/// paths.
@Suite struct InstanceResolverTruthTableTests {
    /// A value of a path variable: how it is written, what it means, and whose own place it is.
    private struct Place {
        var written: String?
        var path: String?
        var owner: String?
    }

    private static let home = "/h"
    private static let ids = ["/h/.jarvis-main": "id-main", "/h/.jarvis-rescue": "id-rescue", "/srv/bot": "id-bot"]

    private static let states = [
        Place(), Place(written: "/h/.jarvis", path: "/h/.jarvis", owner: "default"),
        Place(written: "~/.jarvis-main", path: "/h/.jarvis-main", owner: "main"),
        Place(written: "/h//.jarvis-rescue/", path: "/h/.jarvis-rescue", owner: "rescue"),
        Place(written: "/srv/bot", path: "/srv/bot"), Place(written: "relative", path: "CWD/relative"),
        Place(written: "/h/.jarvis-Bad", path: "/h/.jarvis-Bad"),
    ]

    private static let configs = [
        Place(), Place(written: "/h/.jarvis/jarvis.json", path: "/h/.jarvis/jarvis.json", owner: "default"),
        Place(written: "/h/.jarvis-main/jarvis.json", path: "/h/.jarvis-main/jarvis.json", owner: "main"),
        Place(written: "~/.jarvis-rescue/jarvis.json", path: "/h/.jarvis-rescue/jarvis.json", owner: "rescue"),
        Place(written: "~/.jarvis/main.json", path: "/h/.jarvis/main.json"),
    ]

    private struct Expected: Equatable {
        var profile: String
        var state: String
        var config: String
        var port: String?
    }

    private static func own(_ profile: String) -> String {
        profile == "default" ? "\(home)/.jarvis" : "\(home)/.jarvis-\(profile)"
    }

    /// Nil: refused.
    private static func oracle(flag: String?, state: Place, config: Place, profile: String?, id: String?) -> Expected? {
        guard let flag else {
            if let profile, [state.owner, config.owner].contains(where: { $0 != nil && $0 != profile }) { return nil }
            let name = profile ?? state.owner ?? "default"
            if let owner = config.owner, owner != name { return nil }
            let directory = state.path ?? own(name)
            return Expected(
                profile: name, state: directory, config: config.path ?? "\(directory)/jarvis.json", port: "20000")
        }
        let saysOther = profile.map { $0 != flag } ?? (id != nil && id != ids[own(flag)])
        let isOthers =
            [state.owner, config.owner].contains { $0 != nil && $0 != flag }
            || (saysOther && id != nil && id != ids[own(flag)] && state.path.flatMap { ids[$0] } == id)
        if isOthers {
            return Expected(profile: flag, state: own(flag), config: "\(own(flag))/jarvis.json", port: nil)
        }
        let hasCustom = [state, config].contains { $0.path != nil && $0.owner == nil }
        if saysOther && hasCustom { return nil }
        let directory = state.path ?? own(flag)
        return Expected(
            profile: flag, state: directory, config: config.path ?? "\(directory)/jarvis.json",
            port: saysOther ? nil : "20000")
    }

    @Test func everyCell() throws {
        var cells = 0
        var refused = 0
        for flag in [nil, "default", "main", "rescue", "DEV"] as [String?] {
            for state in Self.states {
                for config in Self.configs {
                    for profile in [nil, "default", "main", "rescue"] as [String?] {
                        for id in [nil, "id-main", "id-bot"] as [String?] {
                            for cwd in ["/w", "/h/.jarvis-main"] {
                                cells += 1
                                let wanted = try check(flag, state, config, profile, id, cwd)
                                refused += wanted ? 0 : 1
                            }
                        }
                    }
                }
            }
        }
        #expect(cells == 4200)
        #expect(refused > 100 && refused < cells / 2)
    }

    /// Whether the cell is one that resolves.
    private func check(
        _ flag: String?, _ state: Place, _ config: Place, _ profile: String?, _ id: String?, _ cwd: String
    ) throws -> Bool {
        var placed = state
        placed.path = state.path?.hasPrefix("CWD/") == true ? "\(cwd)/relative" : state.path
        var variables = ["HOME": Self.home, "JARVIS_GATEWAY_PORT": "20000"]
        variables["JARVIS_STATE_DIR"] = state.written
        variables["JARVIS_CONFIG_PATH"] = config.written
        variables["JARVIS_PROFILE"] = profile
        variables["JARVIS_INSTANCE_ID"] = id
        let environment = HostEnvironment(
            variables: variables, currentDirectory: cwd, instanceIdAt: { Self.ids[$0] })
        let expected = Self.oracle(
            flag: flag?.lowercased(), state: placed, config: config, profile: profile, id: id)
        let cell = "flag \(flag ?? "-") cwd \(cwd) \(variables.sorted { $0.key < $1.key })"
        do {
            let instance = try InstanceResolver.resolve(
                selection: flag == "DEV" ? ProfileSelection(dev: true) : ProfileSelection(flag: flag),
                environment: environment)
            let got = Expected(
                profile: instance.displayName, state: instance.stateDirectory, config: instance.configPath,
                port: instance.portVariable)
            #expect(got == expected, "\(cell)")
            // A flag never lands in another instance's own place.
            if let flag {
                for other in ["default", "main", "rescue", "dev"] where other != flag.lowercased() {
                    #expect(got.state != Self.own(other), "\(cell)")
                    #expect(got.config != "\(Self.own(other))/jarvis.json", "\(cell)")
                }
            }
            for (value, provenance) in instance.provenance where value == .stateDirectory {
                #expect(provenance.value == instance.stateDirectory, "\(cell)")
            }
        } catch {
            #expect(expected == nil, "\(cell): \(error)")
            #expect(error.exitCode == 2 && error.code == "instance.contradiction" && error.hint != nil, "\(cell)")
        }
        return expected != nil
    }

    @Test func aLinkedHomeIsTheSameHome() throws {
        let environment = HostEnvironment(
            variables: ["HOME": "/home/u", "JARVIS_STATE_DIR": "/usr/home/u/.jarvis-main"],
            canonicalize: { $0.hasPrefix("/home/") ? "/usr" + $0 : $0 })
        let rescue = try InstanceResolver.resolve(selection: ProfileSelection(flag: "rescue"), environment: environment)
        #expect(rescue.stateDirectory == "/home/u/.jarvis-rescue")
        #expect(try InstanceResolver.resolve(environment: environment).displayName == "main")
    }
}
