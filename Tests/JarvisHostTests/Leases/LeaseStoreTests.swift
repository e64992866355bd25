import JarvisCore
import JarvisHost
import Testing

@Suite struct LeaseStoreTests {
    let home: TemporaryHome
    let store: LeaseStore

    init() throws {
        home = try TemporaryHome()
        store = try LeaseStore(environment: home.environment())
    }

    private func made(_ profile: String) throws -> (Instance, InstanceIdentity) {
        let instance = try home.instance(profile)
        let identity = try InstanceIdentity.loadOrCreate(
            stateDirectory: instance.stateDirectory, displayName: instance.displayName)
        return (instance, identity)
    }

    private func claim(_ profile: String, _ base: Int, workspaces: [String] = []) throws -> StartClaim {
        let (instance, identity) = try made(profile)
        return StartClaim(instance: instance, identity: identity, base: base, workspaces: workspaces)
    }

    @Test func places() throws {
        #expect(try HostDirectory.path(home.environment()) == "\(home.path)/.local/state/jarvis/host")
        #expect(try HostDirectory.path(home.environment(["XDG_STATE_HOME": "/x"])) == "/x/jarvis/host")
        #expect(try HostDirectory.path(home.environment(["XDG_STATE_HOME": "x"])).hasPrefix(home.path))
        #expect(try HostDirectory.path(home.environment(["JARVIS_HOST_DIR": "~/h"])) == "\(home.path)/h")
        let error = try #require(throws: JarvisError.self) {
            try HostDirectory.path(home.environment(["JARVIS_HOST_DIR": "h"]))
        }
        #expect(error.exitCode == 2)
    }

    @Test func readingMakesNothing() {
        #expect(store.read() == LeaseTable())
        #expect(store.load().condition == .missing)
        #expect(home.tree().isEmpty)
    }

    @Test func aRefusedTransactionWritesNothing() throws {
        struct No: Error {}
        #expect(throws: No.self) {
            try store.transact { table in
                table.put(RegisteredInstance(try home.instance("a"), base: 20_000))
                throw No()
            }
        }
        #expect(!DurableFile.exists(store.path))
    }

    @Test func onlyTheLivingAreInTheWay() throws {
        let environment = home.environment()
        let one = try claim("one", 20_000)
        try store.claimStart(one, environment: environment)
        let two = try claim("two", 20_005)
        try store.claimStart(two, environment: environment)
        let lock = try StateDirectoryLock.acquire(instance: one.instance)
        let refused = try #require(throws: JarvisError.self) {
            try store.claimStart(two, environment: environment)
        }
        #expect(refused.code == "gateway.port_too_close" && refused.exitCode == 78)
        #expect(refused.message.contains("“one”") && refused.message.contains("“two”"))
        let three = try claim("three", 20_020)
        #expect(try store.claimStart(three, environment: environment).count == 1)
        lock.release()
        try store.claimStart(two, environment: environment)
    }

    @Test func aCopyIsRefusedAndAMoveIsFollowed() throws {
        let environment = home.environment()
        let one = try claim("one", 20_000)
        try store.claimStart(one, environment: environment)
        try store.lease(
            .name, "x", for: LeaseHolder(one.instance, try #require(one.identity)), purpose: "test")
        let copy = StartClaim(
            instance: try home.instance("copy"), identity: one.identity, base: 21_000, workspaces: [])
        let text = try DurableFile.read("\(one.instance.stateDirectory)/instance.json")
        try DurableFile.createDirectory(copy.instance.stateDirectory)
        try DurableFile.write(text, to: "\(copy.instance.stateDirectory)/instance.json")
        let refused = try #require(throws: JarvisError.self) {
            try store.claimStart(copy, environment: environment)
        }
        #expect(refused.code == "instance.cloned" && refused.exitCode == 78 && refused.hint?.contains("rm ") == true)
        try DurableFile.write([], to: "\(one.instance.stateDirectory)/instance.json")
        #expect(throws: JarvisError.self, "unreadable is still there") {
            try store.claimStart(copy, environment: environment)
        }
        home.remove(".jarvis-one")
        try store.claimStart(copy, environment: environment)
        let table = store.read()
        #expect(table.instances.map(\.profile) == ["copy"])
        #expect(table.leases.map(\.stateDirectory) == [copy.instance.canonicalStateDirectory])
    }

    @Test func digestsAreOfThisHost() throws {
        let first = try store.digest(channel: "telegram", credential: "secret")
        #expect(first == (try store.digest(channel: "telegram", credential: "secret")))
        #expect(first != (try store.digest(channel: "discord", credential: "secret")))
        let other = LeaseStore(directory: "\(home.path)/other")
        #expect(first != (try other.digest(channel: "telegram", credential: "secret")))
        #expect(home.mode(".local/state/jarvis/host/lease.key") == 0o600)
    }

    @Test func editDistance() {
        for (left, right, distance) in [("", "", 0), ("a", "", 1), ("gateway", "gatewya", 1), ("kitten", "sitting", 3)]
        {
            #expect(EditDistance.between(left, right) == distance)
            #expect(EditDistance.between(right, left) == distance)
        }
        #expect(EditDistance.between("abcdef", "a", limit: 2) > 2)
    }
}
