import JarvisCore
import JarvisSystem
import Logging
import NIOPosix
import Synchronization
import Testing

@testable import JarvisBrowser

/// A browser's end of a connection that a test holds.
private final class FakeTransport: CDPTransport {
    private let closed = Mutex<(@Sendable (String) -> Void)?>(nil)

    func start(
        receive: @escaping @Sendable ([UInt8]) -> Void, closed: @escaping @Sendable (_ reason: String) -> Void
    ) { self.closed.withLock { $0 = closed } }
    func send(_ message: [UInt8]) {}
    func close() { end("closed") }

    func end(_ reason: String) {
        let handler = closed.withLock { closed in
            defer { closed = nil }
            return closed
        }
        handler?(reason)
    }
}

/// Opens pretended browsers, and counts.
private final class FakeOpener: Sendable {
    let opened = Mutex<[FakeTransport]>([])
    let stopped = Atomic<Int>(0)
    /// Waits before each browser is there.
    let gate = AsyncStream.makeStream(of: Void.self)
    let isGated: Bool
    let failure = Mutex<BrowserError?>(nil)

    init(gated: Bool = false) { isGated = gated }

    var count: Int { opened.withLock { $0.count } }

    var opener: BrowserOpener {
        { [self] profile, settings, host in
            if isGated { for await _ in gate.stream { break } }
            if let error = failure.withLock({ $0 }) { throw error }
            let transport = FakeTransport()
            opened.withLock { $0.append(transport) }
            let connection = CDPConnection(transport: transport)
            let rules: @Sendable (BrowserSettings, BrowserProfile) -> SessionRules = { settings, profile in
                settings.rules(settings.policy(host), profile, denials: EgressDenials(), hasProxy: true)
            }
            let session = BrowserSession(connection: connection, rules: rules(settings, profile))
            return OpenBrowser(
                session: session, pid: 1, adopt: { session.adopt(rules($0, $1)) },
                stop: { [self] in
                    stopped.add(1, ordering: .relaxed)
                    connection.close()
                })
        }
    }
}

@Suite struct BrowserControlTests {
    private func make(
        _ fake: FakeOpener, _ change: (inout BrowserSettings) -> Void = { _ in },
        host adapt: (inout BrowserHost) -> Void = { _ in }
    ) -> BrowserControl {
        var settings = BrowserSettings(directories: .init(root: "/nowhere/browser"))
        change(&settings)
        var host = BrowserHost(
            tree: ChildTree(instanceId: "test"), environment: [:], group: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), firstPort: 1000)
        adapt(&host)
        return BrowserControl(settings: settings, host: host, opener: fake.opener)
    }

    private func ask(
        _ control: BrowserControl, _ method: String, _ path: String, _ body: JSONValue = [:]
    ) async -> BrowserReply { await control.handle(BrowserRequest(method, path, body: body)) }

    @Test func manyWhoStartShareOneBrowser() async throws {
        let fake = FakeOpener(gated: true)
        let control = make(fake)
        await withTaskGroup(of: Int.self) { group in
            for _ in 0..<20 { group.addTask { await ask(control, "POST", "/start").status } }
            fake.gate.continuation.yield()
            for await status in group { #expect(status == 200) }
        }
        #expect(fake.count == 1)
        #expect(control.glances.map(\.state) == ["running"])
        await control.shutdown()
        #expect(fake.stopped.load(ordering: .relaxed) == 1)
    }

    @Test func aStopDuringAStartLeavesNothing() async throws {
        let fake = FakeOpener(gated: true)
        let control = make(fake)
        async let start = ask(control, "POST", "/start")
        while control.glances.isEmpty { await Task.yield() }
        async let stop = ask(control, "POST", "/stop")
        while control.glances.first?.state != "stopping" { await Task.yield() }
        fake.gate.continuation.yield()
        #expect(await stop.body["stopped"] == true)
        _ = await start
        #expect(fake.count == fake.stopped.load(ordering: .relaxed))
        #expect(control.glances.map(\.state) == ["stopped"])
    }

    @Test(.timeLimit(.minutes(1))) func manyWhoMeetAtTheEndOfABrowserAllGoOn() async throws {
        let fake = FakeOpener()
        let control = make(fake, host: { $0.moveToTrash = { _, _ in nil } })
        #expect(await ask(control, "POST", "/start").status == 200)
        await withTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                for path in ["/reset-profile", "/start", "/stop"] {
                    group.addTask { await ask(control, "POST", path).status }
                }
            }
            for await status in group { #expect(status < 500) }
        }
        await control.shutdown()
        #expect(fake.count == fake.stopped.load(ordering: .relaxed))
    }

    @Test func nothingStartsOnADirectoryThatIsBeingMovedAway() async throws {
        let fake = FakeOpener()
        let (began, gate) = (AsyncStream.makeStream(of: Void.self), AsyncStream.makeStream(of: Void.self))
        let control = make(
            fake,
            host: { host in
                host.moveToTrash = { _, _ in
                    began.continuation.yield()
                    for await _ in gate.stream { break }
                    return nil
                }
            })
        async let reset = ask(control, "POST", "/reset-profile")
        for await _ in began.stream { break }
        async let start = ask(control, "POST", "/start")
        for _ in 0..<1000 { await Task.yield() }
        #expect(fake.count == 0)
        #expect(control.glances.map(\.state) == ["stopping"])
        gate.continuation.yield()
        #expect(await reset.status == 200)
        #expect(await start.status == 200)
        #expect(fake.count == 1)
        await control.shutdown()
    }

    @Test func aBrowserThatIsStartedWhileItsProfileIsRemovedIsStopped() async throws {
        let fake = FakeOpener()
        let (began, gate) = (AsyncStream.makeStream(of: Void.self), AsyncStream.makeStream(of: Void.self))
        let control = make(fake) {
            $0.profiles = [BrowserSettings.Profile(name: "work")]
        } host: { host in
            host.removeProfile = { _ in
                began.continuation.yield()
                for await _ in gate.stream { break }
            }
            host.moveToTrash = { _, _ in nil }
        }
        async let removal = ask(control, "DELETE", "/profiles/work")
        for await _ in began.stream { break }
        #expect(await ask(control, "POST", "/start", ["profile": "work"]).status == 200)
        gate.continuation.yield()
        #expect(await removal.status == 200)
        #expect(fake.stopped.load(ordering: .relaxed) == 1)
        #expect(control.glances.isEmpty)
    }

    @Test func messagesNameTheGatewayAndTheBrowserProfile() async {
        let control = make(FakeOpener()) {
            $0.profiles = [BrowserSettings.Profile(name: "work")]
        } host: {
            $0.command = "jarvis --profile rescue"
        }
        let usual = await ask(control, "GET", "/snapshot").body["error"]?.stringValue ?? ""
        #expect(usual.hasSuffix(": jarvis --profile rescue browser start"))
        let other = await ask(control, "GET", "/snapshot", ["profile": "work"]).body["error"]?.stringValue ?? ""
        #expect(other.hasSuffix(": jarvis --profile rescue browser --browser-profile work start"))
    }

    @Test func aLostBrowserIsToldAndStartedAgain() async throws {
        let fake = FakeOpener()
        let control = make(fake)
        _ = await ask(control, "POST", "/start")
        fake.opened.withLock { $0[0] }.end("it crashed")
        while control.glances.first?.state != "failed" { await Task.yield() }
        #expect(control.glances.first?.reason == "it ended: it crashed")
        #expect(fake.stopped.load(ordering: .relaxed) == 1)
        let reply = await ask(control, "GET", "/snapshot")
        #expect(reply.status == 409 && reply.body["code"] == "not_running")
        #expect(await ask(control, "POST", "/start").status == 200)
        #expect(fake.count == 2)
        await control.shutdown()
    }

    @Test(.timeLimit(.minutes(5))) func aStartWhileABrowserEndsWaitsForTheEnd() async throws {
        let fake = FakeOpener()
        let control = make(fake)
        for _ in 0..<200 {
            #expect(await ask(control, "POST", "/start").status == 200)
            async let stop = ask(control, "POST", "/stop")
            async let start = ask(control, "POST", "/start")
            #expect(await stop.status == 200)
            #expect(await start.status == 200)
        }
        await control.shutdown()
        #expect(fake.count == fake.stopped.load(ordering: .relaxed))
    }

    @Test func aFailedStartIsForThoseWhoAskedAndTheNextTriesAgain() async throws {
        let fake = FakeOpener()
        fake.failure.withLock { $0 = BrowserError(500, "launch_failed", "no way") }
        let control = make(fake)
        let reply = await ask(control, "POST", "/start")
        #expect(reply.status == 500 && reply.body["error"] == "no way")
        while control.glances.first?.state != "failed" { await Task.yield() }
        fake.failure.withLock { $0 = nil }
        #expect(await ask(control, "POST", "/start").status == 200)
        await control.shutdown()
    }

    @Test func afterShutdownNothingStarts() async {
        let fake = FakeOpener()
        let control = make(fake)
        _ = await ask(control, "POST", "/start")
        await control.shutdown()
        #expect(await ask(control, "POST", "/start").body["code"] == "stopping")
        #expect(fake.stopped.load(ordering: .relaxed) == 1)
    }

    @Test func turnedOffItAnswersAndStartsNothing() async {
        let fake = FakeOpener()
        let control = make(fake) { $0.isEnabled = false }
        #expect(await ask(control, "GET", "/").body["enabled"] == false)
        #expect(await ask(control, "GET", "/profiles").status == 200)
        let reply = await ask(control, "POST", "/start")
        #expect(reply.status == 403 && reply.body["code"] == "disabled")
        #expect(fake.count == 0)
    }

    @Test func changedSettingsStopWhatIsGoneAndTellWhatIsOld() async {
        let fake = FakeOpener()
        let control = make(fake) { $0.profiles = [.init(name: "gone"), .init(name: "old")] }
        for name in ["gone", "old", "jarvis"] {
            _ = await ask(control, "POST", "/start", ["profile": .string(name)])
        }
        var settings = await control.settings
        var old = BrowserSettings.Profile(name: "old")
        old.executablePath = "/other"
        settings.profiles = [old]
        settings.mayEvaluate = false
        #expect(await control.apply(settings) == ["old"])
        #expect(fake.stopped.load(ordering: .relaxed) == 1)
        let states = control.glances.map { "\($0.profile) \($0.state)" }
        #expect(states == ["gone failed", "jarvis running", "old running"])
        guard case .running(let browser) = await control.life("jarvis") else {
            Issue.record("it runs")
            return
        }
        #expect(!browser.session.rules.mayEvaluate)
        await control.shutdown()
    }

    @Test func aProfileThatContradictsAnotherIsNotStarted() async {
        let fake = FakeOpener()
        let control = make(fake) { settings in
            settings.profiles = ["a", "b"].map { name in
                var entry = BrowserSettings.Profile(name: name)
                entry.cdpPort = 9999
                return entry
            }
        }
        let reply = await ask(control, "POST", "/start", ["profile": "a"])
        #expect(reply.status == 409 && reply.body["code"] == "profile_conflict" && fake.count == 0)
    }
}
