import JarvisCore
import JarvisHost
import Testing

@Suite struct InstanceResolverTests {
    private func resolve(
        flag: String? = nil, dev: Bool = false, cwd: String = "/w", accountHome: String? = nil,
        _ variables: [String: String]
    ) throws -> Instance {
        try InstanceResolver.resolve(
            selection: ProfileSelection(flag: flag, dev: dev),
            environment: HostEnvironment(variables: variables, accountHome: accountHome, currentDirectory: cwd))
    }

    @Test func defaultInstance() throws {
        let instance = try resolve(["HOME": "/h"])
        #expect(instance.profile == nil)
        #expect(instance.displayName == "default")
        #expect(instance.stateDirectory == "/h/.jarvis")
        #expect(instance.configPath == "/h/.jarvis/jarvis.json")
        #expect(instance.defaultWorkspace == "/h/.jarvis/workspace")
        #expect(instance.defaultPort == 18789)
        #expect(instance.command == "jarvis")
    }

    @Test func namedProfile() throws {
        let instance = try resolve(flag: "Rescue", ["HOME": "/h"])
        #expect(instance.displayName == "rescue")
        #expect(instance.stateDirectory == "/h/.jarvis-rescue")
        #expect(instance.configPath == "/h/.jarvis-rescue/jarvis.json")
        #expect(instance.defaultWorkspace == "/h/.jarvis-rescue/workspace-rescue")
        #expect(instance.defaultPort == 19789)
        #expect(instance.command == "jarvis --profile rescue")
        #expect(instance.provenance[.stateDirectory]?.source == .derived("--profile Rescue"))
    }

    @Test func devIsAProfileWithItsOwnPort() throws {
        #expect(try resolve(dev: true, ["HOME": "/h"]).stateDirectory == "/h/.jarvis-dev")
        #expect(try resolve(dev: true, ["HOME": "/h"]).defaultPort == 19001)
        #expect(try resolve(flag: "dev", ["HOME": "/h"]).defaultPort == 19001)
        #expect(try resolve(["HOME": "/h", "JARVIS_PROFILE": "dev"]).defaultPort == 19001)
    }

    @Test func manualEnvironmentExampleOfThePage() throws {
        let main = try resolve([
            "HOME": "/h", "JARVIS_CONFIG_PATH": "~/.jarvis/main.json", "JARVIS_STATE_DIR": "~/.jarvis-main",
        ])
        #expect(main.configPath == "/h/.jarvis/main.json")
        #expect(main.stateDirectory == "/h/.jarvis-main")
        #expect(main.displayName == "main")
        #expect(main.defaultWorkspace == "/h/.jarvis-main/workspace-main")
        #expect(main.command == "JARVIS_CONFIG_PATH=/h/.jarvis/main.json jarvis --profile main")
        #expect(try main.resolvePort(flag: 18789) == EffectivePort(value: 18789, source: .flag("--port")))
    }

    @Test func stateNeverFollowsTheConfig() throws {
        let instance = try resolve(["HOME": "/h", "JARVIS_CONFIG_PATH": "/etc/jarvis/bot.json"])
        #expect(instance.stateDirectory == "/h/.jarvis")
        #expect(instance.configPath == "/etc/jarvis/bot.json")
    }

    @Test func fullServiceEnvironmentOfMainLosesToTheFlag() throws {
        let service = [
            "HOME": "/h", "JARVIS_PROFILE": "main", "JARVIS_STATE_DIR": "/h/.jarvis-main",
            "JARVIS_CONFIG_PATH": "/h/.jarvis-main/jarvis.json", "JARVIS_GATEWAY_PORT": "18789",
            "JARVIS_INSTANCE_ID": "0c6e7f6a-0000-4000-8000-000000000001",
        ]
        let rescue = try resolve(flag: "rescue", service)
        #expect(rescue.stateDirectory == "/h/.jarvis-rescue")
        #expect(rescue.configPath == "/h/.jarvis-rescue/jarvis.json")
        #expect(rescue.portVariable == nil)
        #expect(rescue.inheritedPortVariable == "18789")
        #expect(try rescue.resolvePort(configured: 19789).value == 19789)
        #expect(rescue.provenance[.stateDirectory]?.setAsideInherited == true)
        #expect(rescue.provenance[.stateDirectory]?.overruled.first?.reason == "inherited from profile main")
        #expect(rescue.provenance[.profile]?.overruled.first?.value == "main")
        let same = try resolve(flag: "main", service)
        #expect(same.portVariable == "18789")
        #expect(same.provenance[.stateDirectory]?.overruled.isEmpty == true)
    }

    @Test func aContradictionNamesBothAndWhereTheyCameFrom() throws {
        let error = try #require(throws: JarvisError.self) {
            try resolve(flag: "rescue", ["HOME": "/h", "JARVIS_PROFILE": "main", "JARVIS_STATE_DIR": "/srv/bot"])
        }
        #expect(error.exitCode == 2)
        #expect(error.code == "instance.contradiction")
        for word in ["--profile rescue", "JARVIS_PROFILE=main", "JARVIS_STATE_DIR=/srv/bot"] {
            #expect(error.message.contains(word))
        }
        #expect(error.hint?.contains("Unset JARVIS_STATE_DIR") == true)
    }

    @Test func tildeRelativeAndOddPaths() throws {
        func state(_ value: String, cwd: String = "/w/x") throws -> String {
            try resolve(cwd: cwd, ["HOME": "/h/", "JARVIS_STATE_DIR": value]).stateDirectory
        }
        #expect(try state("~") == "/h")
        #expect(try state("~/a//b/../c/") == "/h/a/c")
        #expect(try state("bot") == "/w/x/bot")
        #expect(try state("../bot") == "/w/bot")
        #expect(try state("/a/./b/") == "/a/b")
        #expect(try state("~other/x") == "/w/x/~other/x")
        #expect(try state("") == "/h/.jarvis")
        #expect(throws: JarvisError.self) { try state("/a\nb") }
    }

    @Test func home() throws {
        #expect(try resolve(["HOME": "/h", "JARVIS_HOME": "/srv/j"]).stateDirectory == "/srv/j/.jarvis")
        #expect(try resolve(["HOME": "/h", "JARVIS_HOME": "~/j"]).stateDirectory == "/h/j/.jarvis")
        #expect(try resolve(["USERPROFILE": "/u"]).stateDirectory == "/u/.jarvis")
        #expect(try resolve(accountHome: "/root", [:]).stateDirectory == "/root/.jarvis")
        #expect(try resolve(["HOME": "/"]).stateDirectory == "/.jarvis")
        #expect(try resolve(flag: "a", ["HOME": "/"]).command == "jarvis --profile a")
        #expect(try #require(throws: JarvisError.self) { try resolve([:]) }.code == "home.missing")
        #expect(try #require(throws: JarvisError.self) { try resolve(["HOME": ""]) }.code == "home.missing")
        for name in ["HOME", "JARVIS_HOME"] {
            let error = try #require(throws: JarvisError.self) { try resolve([name: "relative"]) }
            #expect(error.code == "home.relative" && error.exitCode == 2 && error.message.contains(name))
        }
    }

    @Test func aBadProfileVariableIsRefusedUnlessAFlagOverrulesIt() throws {
        let variables = ["HOME": "/h", "JARVIS_PROFILE": "a b"]
        let error = try #require(throws: JarvisError.self) { try resolve(variables) }
        #expect(error.message.hasPrefix("JARVIS_PROFILE"))
        #expect(try resolve(flag: "rescue", variables).displayName == "rescue")
    }

    @Test func customPlacesAreQuotedInCommands() throws {
        let instance = try resolve(["HOME": "/h", "JARVIS_STATE_DIR": "/srv/it's here"])
        #expect(instance.command == #"JARVIS_STATE_DIR='/srv/it'\''s here' jarvis"#)
    }

    @Test func ports() throws {
        let plain = try resolve(["HOME": "/h", "JARVIS_GATEWAY_PORT": "20000"])
        #expect(try plain.resolvePort(flag: 1) == EffectivePort(value: 1, source: .flag("--port")))
        #expect(
            try plain.resolvePort(configured: 5) == EffectivePort(value: 20000, source: .env("JARVIS_GATEWAY_PORT")))
        let unset = try resolve(["HOME": "/h"])
        #expect(try unset.resolvePort(configured: 5) == EffectivePort(value: 5, source: .config("gateway.port")))
        #expect(try unset.resolvePort(proposed: 6) == EffectivePort(value: 6, source: .default))
        #expect(try unset.resolvePort() == EffectivePort(value: 18789, source: .default))
        for bad in ["0", "65536", "-1", "x", "1e3", " 80"] {
            let instance = try resolve(["HOME": "/h", "JARVIS_GATEWAY_PORT": bad])
            let error = try #require(throws: JarvisError.self) { try instance.resolvePort(configured: 5) }
            #expect(error.code == "port.invalid" && error.exitCode == 2 && error.message.contains(bad))
        }
    }
}
