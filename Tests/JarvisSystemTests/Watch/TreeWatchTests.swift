import Foundation
import JarvisCore
import Synchronization
import Testing

@testable import JarvisSystem

@Suite(.timeLimit(.minutes(1))) struct TreeWatchTests {
    @Test func tellsOfEveryChangeAndOfNothingElse() async throws {
        let root = NSTemporaryDirectory() + "tree-watch-" + Identifiers.randomHex(bytes: 6)
        try DurableFile.createDirectory(root + "/deep/er")
        defer { try? FileManager.default.removeItem(atPath: root) }
        let (changes, told) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(64))
        let made = TreeWatch(root: root, quietMs: 20, onReady: { told.yield() }, onChange: { told.yield() })
        let watch = try #require(made)
        var iterator = changes.makeAsyncIterator()
        await iterator.next()  // it is ready, and misses nothing from now on
        try DurableFile.write([1], to: root + "/deep/er/a.txt")
        await iterator.next()
        try DurableFile.write([2], to: root + "/.hidden")
        try DurableFile.createDirectory(root + "/new")
        await iterator.next()
        try DurableFile.write([3], to: root + "/new/b.txt")
        await iterator.next()
        watch.stop()
        watch.stop()
    }

    @Test func findsARootThatIsBack() async throws {
        let root = NSTemporaryDirectory() + "tree-watch-" + Identifiers.randomHex(bytes: 6)
        try DurableFile.createDirectory(root)
        defer { try? FileManager.default.removeItem(atPath: root) }
        let (changes, told) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(64))
        let made = TreeWatch(root: root, quietMs: 20, onReady: { told.yield() }, onChange: { told.yield() })
        let watch = try #require(made)
        var iterator = changes.makeAsyncIterator()
        await iterator.next()
        try FileManager.default.removeItem(atPath: root)
        try DurableFile.createDirectory(root)
        await iterator.next()
        try DurableFile.write([1], to: root + "/a.txt")
        await iterator.next()
        watch.stop()
    }
}
