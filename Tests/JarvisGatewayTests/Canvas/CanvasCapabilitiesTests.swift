import Testing

@testable import JarvisGateway

@Suite struct CanvasCapabilitiesTests {
    private let one = CanvasCapabilities.Holder(connection: 1)

    @Test func livesFromUseToUse() {
        var capabilities = CanvasCapabilities(ttl: .seconds(600))
        let token = capabilities.issue(to: one, now: .zero)
        #expect(token.count == 64)
        let use1 = capabilities.use(token, now: .seconds(599))
        #expect(use1)
        let use2 = capabilities.use(token, now: .seconds(1198))
        #expect(use2)
        let use3 = capabilities.use(token, now: .seconds(1798))
        #expect(!use3)
        let use4 = capabilities.use(token, now: .seconds(1198))
        #expect(!use4)
        #expect(capabilities.count == 0)
    }

    @Test func looksWithoutUsing() {
        var capabilities = CanvasCapabilities(ttl: .seconds(600))
        let token = capabilities.issue(to: one, now: .zero)
        #expect(capabilities.holder(of: token, now: .seconds(599)) == one)
        #expect(capabilities.holder(of: token, now: .seconds(600)) == nil)
        #expect(capabilities.holder(of: token + "0", now: .zero) == nil)
        #expect(capabilities.holder(of: "", now: .zero) == nil)
    }

    @Test func livesWhileSomebodyLooks() {
        var capabilities = CanvasCapabilities(ttl: .seconds(600))
        let token = capabilities.issue(to: one, now: .zero)
        capabilities.viewerCame(token)
        capabilities.viewerCame(token)
        let use5 = capabilities.use(token, now: .seconds(100_000))
        #expect(use5)
        capabilities.viewerLeft(token, now: .seconds(200_000))
        #expect(capabilities.holder(of: token, now: .seconds(300_000)) != nil)
        capabilities.viewerLeft(token, now: .seconds(300_000))
        #expect(capabilities.holder(of: token, now: .seconds(300_599)) != nil)
        #expect(capabilities.holder(of: token, now: .seconds(300_600)) == nil)
    }

    @Test func isBounded() {
        var capabilities = CanvasCapabilities(ttl: .seconds(600))
        let first = capabilities.issue(to: one, now: .zero)
        let second = capabilities.issue(to: one, now: .seconds(1))
        let use6 = capabilities.use(first, now: .seconds(2))
        #expect(use6)
        for _ in 2..<(CanvasCapabilities.limitOfHolder + 1) { _ = capabilities.issue(to: one, now: .seconds(3)) }
        #expect(capabilities.holder(of: second, now: .seconds(3)) == nil)
        #expect(capabilities.holder(of: first, now: .seconds(3)) != nil)
        for holder in 0..<1000 {
            _ = capabilities.issue(to: CanvasCapabilities.Holder(connection: 10 + holder), now: .seconds(4))
        }
        #expect(capabilities.count == CanvasCapabilities.limit)
        _ = capabilities.issue(to: one, now: .seconds(10_000))
        #expect(capabilities.count == 1)
    }

    @Test func isTakenBack() {
        var capabilities = CanvasCapabilities(ttl: .seconds(600))
        let mine = capabilities.issue(to: one, now: .zero)
        let theirs = capabilities.issue(to: .init(connection: 2, deviceId: "d"), now: .zero)
        capabilities.viewerCame(theirs)
        capabilities.revoke { $0.deviceId == "d" }
        let (kept, lost) = (capabilities.use(mine, now: .zero), capabilities.use(theirs, now: .zero))
        #expect(kept && !lost)
    }

    @Test func isCutOutOfTexts() {
        var capabilities = CanvasCapabilities(ttl: .seconds(600))
        let token = capabilities.issue(to: one, now: .zero)
        #expect(capabilities.redact("at /cap/\(token)/x, \(token)") == "at /cap/…/x, …")
        let digest = String(repeating: "ab", count: 32)
        #expect(capabilities.redact("ü \(digest) \(token)0") == "ü \(digest) \(token)0")
        #expect(capabilities.redact("").isEmpty)
    }
}
