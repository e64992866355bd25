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
        let watch = try #require(TreeWatch(root: root, quietMs: 20) { told.yield() })
        var iterator = changes.makeAsyncIterator()
        // The watch begins some time after it was made: the first change is repeated until it is seen.
        let knocking = Task {
            while !Task.isCancelled {
                try DurableFile.write([1], to: root + "/deep/er/a.txt")
                try await Task.sleep(for: .milliseconds(30))
            }
        }
        await iterator.next()
        knocking.cancel()
        _ = await knocking.result
        try DurableFile.write([2], to: root + "/.hidden")
        try DurableFile.createDirectory(root + "/new")
        await iterator.next()
        try DurableFile.write([3], to: root + "/new/b.txt")
        await iterator.next()
        watch.stop()
        watch.stop()
    }
}
