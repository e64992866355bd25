import JarvisCore
import JarvisHost
import Testing

@Suite struct SiblingConflictTests {
    let home: TemporaryHome
    let main: Instance
    let lock: StateDirectoryLock

    init() throws {
        home = try TemporaryHome()
        main = try home.instance("main")
        lock = try StateDirectoryLock.acquire(instance: main)
        try home.write("{}", to: ".jarvis-main/jarvis.json")
        try RuntimeFile(
            version: "1", instanceId: "id", profile: "main", configPath: main.configPath, port: 20_000, startedAt: 1
        ).write(main.paths)
    }

    private func check(_ port: Int, as instance: Instance) throws {
        try SiblingConflict.check(
            port: port, instance: instance,
            siblings: InstanceScanner.siblings(of: instance, environment: home.environment()),
            environment: home.environment())
    }

    private func refusal(_ port: Int, as instance: Instance) throws -> JarvisError {
        try #require(throws: JarvisError.self) { try check(port, as: instance) }
    }

    @Test func refusesPortsThatMeet() throws {
        let other = try home.instance("other")
        let same = try refusal(20_000, as: other)
        #expect(same.code == "gateway.port_in_use" && same.exitCode == 78)
        for port in [19_981, 20_001, 20_019] {
            let close = try refusal(port, as: other)
            #expect(close.code == "gateway.port_too_close" && close.exitCode == 78)
            #expect(close.message.contains("“main”") && close.message.contains("20000"))
        }
        try check(19_980, as: other)
        try check(20_020, as: other)
        try check(20_000, as: main)
    }

    @Test func refusesOneConfigurationForTwo() throws {
        let other = try home.instance("other", ["JARVIS_CONFIG_PATH": "\(home.path)/shared.json"])
        try check(21_000, as: other)
        var runtime = try #require(RuntimeFile.read(main.paths))
        runtime.configPath = "\(home.path)/shared.json"
        try runtime.write(main.paths)
        let shared = try refusal(21_000, as: other)
        #expect(shared.code == "config.shared" && shared.exitCode == 78 && shared.message.contains("“main”"))
    }

    @Test func whoDoesNotRunIsNoObstacle() throws {
        lock.release()
        try check(20_000, as: home.instance("other"))
    }
}
