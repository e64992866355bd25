import JarvisCore
import JarvisProtocol
import Testing

@testable import JarvisGateway

@Suite("Who may talk to the gateway")
struct AccessTests {
    private let policy = OriginPolicy(port: 18789, addresses: ["192.0.2.7"], allowedOrigins: ["https://chat.example"])

    @Test(
        "hosts that are ours",
        arguments: [
            "127.0.0.1:18789", "localhost:18789", "LOCALHOST:18789", "[::1]:18789", "192.0.2.7:18789", "chat.example",
        ])
    func ours(_ host: String) {
        #expect(policy.allowsHost(host))
    }

    @Test(
        "hosts that are not",
        arguments: [
            "evil.example", "evil.example:18789", "localhost.:18789", "127.0.0.1.nip.io:18789", "127.evil.com:18789",
            "127.0.0.1", "127.0.0.1:18790", "", "[::1", "localhost:", "127.0.0.01:18789", "127.1:18789",
            "0.0.0.0:18789",
        ])
    func foreign(_ host: String) {
        #expect(!policy.allowsHost(host))
    }

    @Test(
        "origins that are not ours",
        arguments: [
            "https://evil.example", "null", "http://localhost.evil.example", "http://127.0.0.1.evil.example",
            "http://127.0.0.1:18790", "file://", "chrome-extension://x", "HTTP://127.0.0.1:18789", "",
            "http://127.evil.com",
        ])
    func foreignOrigins(_ origin: String) {
        #expect(!policy.allowsOrigin(origin, host: "127.0.0.1:18789"))
    }

    @Test("the gateway's own page and listed origins")
    func ownOrigins() {
        #expect(policy.allowsOrigin("http://127.0.0.1:18789", host: "127.0.0.1:18789"))
        #expect(policy.allowsOrigin("https://chat.example", host: "127.0.0.1:18789"))
        #expect(!policy.allowsOrigin("http://evil.example", host: "evil.example"))
    }

    @Test("ten failures lock an address, success forgets them, the table is bounded")
    func rateLimit() {
        var limiter = AuthRateLimiter()
        for attempt in 0..<9 { limiter.recordFailure("a", now: Int64(attempt)) }
        #expect(limiter.lockedFor("a", now: 10) == nil)
        limiter.recordFailure("a", now: 10)
        #expect(limiter.lockedFor("a", now: 11) != nil)
        #expect(limiter.lockedFor("b", now: 11) == nil)
        #expect(limiter.lockedFor("a", now: 300_011) == nil)
        limiter.recordFailure("b", now: 0)
        limiter.recordSuccess("b")
        for attempt in 0..<9 { limiter.recordFailure("b", now: Int64(attempt)) }
        #expect(limiter.lockedFor("b", now: 10) == nil)
        // Old failures fall out of the window.
        for attempt in 0..<20 { limiter.recordFailure("slow", now: Int64(attempt) * 10_000) }
        #expect(limiter.lockedFor("slow", now: 200_000) == nil)
    }

    @Test("a device's scopes and roles only grow by an owner's word")
    func devices() {
        var registry = DeviceRegistry()
        let request = DeviceRegistry.Pending(
            requestId: "r1", deviceId: "d", publicKey: "k", displayName: nil, platform: "linux", clientId: "cli",
            clientMode: "cli", role: "operator", scopes: ScopeSet([.read]), remoteIp: nil, reason: "not-paired", ts: 0)
        #expect(
            registry.verdict(
                deviceId: "d", publicKey: "k", role: "operator", scopes: ScopeSet([.read]), platform: "linux")
                == .needsPairing(reason: "not-paired"))
        let device = registry.approved(request, now: 1)
        registry.store(device)
        #expect(
            registry.verdict(
                deviceId: "d", publicKey: "k", role: "operator", scopes: ScopeSet([.read]), platform: "linux")
                == .admitted(device))
        #expect(
            registry.verdict(
                deviceId: "d", publicKey: "k", role: "operator", scopes: ScopeSet([.write]), platform: "linux")
                == .needsPairing(reason: "scope-upgrade"))
        #expect(
            registry.verdict(
                deviceId: "d", publicKey: "other", role: "operator", scopes: ScopeSet([.read]), platform: "linux")
                == .needsPairing(reason: "not-paired"))
        #expect(
            registry.verdict(
                deviceId: "d", publicKey: "k", role: "operator", scopes: ScopeSet([.read]), platform: "ios")
                == .needsPairing(reason: "metadata-upgrade"))
        #expect(registry.token(deviceId: "d", role: "operator", shown: "x") == nil)
        #expect(registry.token(deviceId: "d", role: "operator", shown: device.tokens["operator"]?.token) != nil)
        #expect(DeviceRegistry.Paired(record: device.record) == device)
        #expect(!JSONWriter.string(device.summary).contains(device.tokens["operator"]?.token ?? "-"))
    }

    @Test("an approval counts for the wish that was shown")
    func pendingWishes() {
        func request(_ id: String, _ scopes: ScopeSet) -> DeviceRegistry.Pending {
            DeviceRegistry.Pending(
                requestId: id, deviceId: "d", publicKey: "k", displayName: nil, platform: "linux", clientId: "cli",
                clientMode: "cli", role: "operator", scopes: scopes, remoteIp: nil, reason: "not-paired", ts: 0)
        }
        var registry = DeviceRegistry()
        #expect(registry.request(request("shown", ScopeSet([.read])), now: 0).isNew)
        #expect(registry.request(request("again", ScopeSet([.read])), now: 0).pending.requestId == "shown")
        #expect(registry.request(request("wider", .all), now: 0).isNew)
        #expect(registry.pending.keys.sorted() == ["wider"])
    }

    @Test("a flood of equal records leaves few lines")
    func logBudget() {
        var budget = LogBudget(perMinute: 2)
        #expect(budget.admit(now: 0) == 0)
        #expect(budget.admit(now: 1) == 0)
        for _ in 0..<100 { #expect(budget.admit(now: 2) == nil) }
        #expect(budget.admit(now: 60_002) == 100)
    }

    @Test("granted is what was asked for and what the credential gives, over the whole lattice")
    func scopeLattice() {
        let all = Scope.allCases
        for mask in 0..<(1 << all.count) {
            let caller = ScopeSet(all.indices.filter { mask >> $0 & 1 == 1 }.map { all[$0] })
            for wish in 0..<(1 << all.count) {
                let target = ScopeSet(all.indices.filter { wish >> $0 & 1 == 1 }.map { all[$0] })
                let granted = caller.granting(target)
                #expect(granted.scopes.isSubset(of: target.scopes))
                #expect(caller.covers(granted))
            }
        }
    }

    @Test("every method of the protocol has a handler, and no handler lacks a method")
    func methodTable() {
        let described = Set(MethodDescriptor.all.map(\.name))
        #expect(described.count == MethodDescriptor.all.count)
        #expect(described == Set(MethodTable.handlers.keys))
    }
}
