import Foundation
import JarvisConfig
import JarvisCore
import Testing

@Suite struct ConfigWatcherTests {
    /// What the watcher told, in order.
    private final class Reports: Sendable {
        let stream: AsyncStream<ConfigSnapshot>
        let continuation: AsyncStream<ConfigSnapshot>.Continuation
        init() { (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(16)) }
    }

    @Test(.timeLimit(.minutes(1))) func reportsChangesOfMainFileAndIncludes() async throws {
        let fixture = try ConfigFixture("{ gateway: { port: 1 }, ui: { $include: 'parts/ui.json5' } }")
        try fixture.write("{ seamColor: '#000000' }", to: "parts/ui.json5")
        let directory = fixture.directory
        let path = fixture.path
        let reports = Reports()
        let watcher = ConfigWatcher(
            path: path, debounceMs: 20, stabilityMs: 10,
            load: { ConfigLoader.load(path: path, stateDirectory: directory, environment: [:]) },
            onChange: { reports.continuation.yield($0) })
        try watcher.start(from: fixture.load())
        var iterator = reports.stream.makeAsyncIterator()

        try fixture.write("{ gateway: { port: 2 }, ui: { $include: 'parts/ui.json5' } }")  // renamed into place
        #expect(await iterator.next()?.config.gateway.port == 2)

        let handle = try #require(FileHandle(forWritingAtPath: path))  // written in place
        try handle.truncate(atOffset: 0)
        try handle.write(contentsOf: Data("{ gateway: { port: 3 }, ui: { $include: 'parts/ui.json5' } }".utf8))
        try handle.close()
        var port: Int?
        while port != 3 { port = await iterator.next()?.config.gateway.port }

        try fixture.write("{ seamColor: '#ffffff' }", to: "parts/ui.json5")
        #expect(await iterator.next()?.config.ui.seamColor == "#ffffff")

        try fixture.write("{ broken")
        #expect(await iterator.next()?.isUsable == false)

        unlink(path)
        #expect(await iterator.next()?.exists == false)
        watcher.stop()
        watcher.stop()
    }

    @Test(.timeLimit(.minutes(1))) func seesWhatChangedBeforeItStarted() async throws {
        let fixture = try ConfigFixture("{ gateway: { port: 1 } }")
        let before = fixture.load()
        try fixture.write("{ gateway: { port: 2 } }")
        let path = fixture.path
        let reports = Reports()
        let watcher = ConfigWatcher(
            path: path, load: { ConfigLoader.load(path: path, environment: [:]) },
            onChange: { reports.continuation.yield($0) })
        try watcher.start(from: before)
        var iterator = reports.stream.makeAsyncIterator()
        #expect(await iterator.next()?.config.gateway.port == 2)
        watcher.stop()
    }
}
