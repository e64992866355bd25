import JarvisCore
import JarvisHost
import Testing

@Suite struct InstanceScannerTests {
    @Test func listsWhatHoldsAnInstance() throws {
        let home = try TemporaryHome()
        try home.write("{}", to: ".jarvis/jarvis.json")
        try home.write("{}", to: ".jarvis-rescue/jarvis.json")
        let identity = try InstanceIdentity.loadOrCreate(
            stateDirectory: "\(home.path)/.jarvis-only-id", displayName: "only-id")
        try home.write("{}", to: ".jarvis-Bad/jarvis.json")
        try home.write("x", to: ".jarvis-empty/notes.txt")
        try home.write("{}", to: ".jarvisx/jarvis.json")
        try home.write("file", to: ".jarvis-file")
        let before = home.tree()
        let all = try InstanceScanner.all(
            environment: home.environment(), configuredPort: { $0.contains("rescue") ? 19789 : nil })
        #expect(all.map(\.displayName) == ["default", "only-id", "rescue"])
        #expect(all.map(\.port) == [nil, nil, 19789])
        #expect(all[1].instanceId == identity.instanceId)
        #expect(all.allSatisfy { !$0.isRunning })
        let siblings = try InstanceScanner.siblings(of: home.instance("rescue"), environment: home.environment())
        #expect(siblings.map(\.displayName) == ["default", "only-id"])
        #expect(home.tree() == before)
    }

    @Test func seesARunningSibling() throws {
        let home = try TemporaryHome()
        let main = try home.instance("main")
        let lock = try StateDirectoryLock.acquire(instance: main)
        let identity = try InstanceIdentity.loadOrCreate(stateDirectory: main.stateDirectory, displayName: "main")
        try RuntimeFile(
            version: "1", instanceId: identity.instanceId, profile: "main", configPath: main.configPath, port: 18789,
            startedAt: 1
        ).write(main.paths)
        let found = try #require(try InstanceScanner.all(environment: home.environment()).first)
        #expect(found.isRunning && found.port == 18789)
        lock.release()
        #expect(try InstanceScanner.all(environment: home.environment()).first?.isRunning == false)
    }

    @Test func unknownProfilesGetASuggestionAndLeaveNothing() throws {
        let home = try TemporaryHome()
        try home.write("{}", to: ".jarvis/jarvis.json")
        let before = home.tree()
        func error(_ profile: String?) throws -> JarvisError {
            try #require(throws: JarvisError.self) {
                try InstanceScanner.requireExisting(home.instance(profile), environment: home.environment())
            }
        }
        try InstanceScanner.requireExisting(home.instance(), environment: home.environment())
        for name in ["main", "other"] {
            let unknown = try error(name)
            #expect(unknown.code == "profile.unknown" && unknown.exitCode == 2)
            #expect(unknown.hint?.contains("Did you mean the default profile? Leave --profile away.") == true)
            #expect(unknown.hint?.contains("jarvis --profile \(name) setup") == true)
        }
        #expect(home.tree() == before)
        try home.write("{}", to: ".jarvis-rescue/jarvis.json")
        #expect(try error("resuce").hint?.contains("Did you mean --profile rescue?") == true)
        #expect(try error("main").hint?.contains("default profile") == true)
        #expect(try error("quite-different").hint?.contains("Did you mean") == false)
    }

    @Test func aMissingDefaultInstanceNamesTheOthers() throws {
        let home = try TemporaryHome()
        let nothing = try #require(throws: JarvisError.self) {
            try InstanceScanner.requireExisting(home.instance(), environment: home.environment())
        }
        #expect(nothing.code == "instance.missing" && nothing.hint == "To create it: jarvis setup")
        try home.write("{}", to: ".jarvis-main/jarvis.json")
        let main = try #require(throws: JarvisError.self) {
            try InstanceScanner.requireExisting(home.instance(), environment: home.environment())
        }
        #expect(main.message.contains("main") && main.hint?.contains("--profile main") == true)
    }
}
