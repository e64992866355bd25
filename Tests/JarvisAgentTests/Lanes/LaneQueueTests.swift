import JarvisKit
import Testing

@testable import JarvisAgent

@Suite struct LaneQueueTests {
    private func run(_ id: String, _ session: String = "main") -> RunRequest {
        RunRequest(runId: id, sessionKey: .main(mainKey: session), agentId: "main")
    }

    private func startAll(_ queue: inout LaneQueue) -> [String] {
        var started: [String] = []
        while let run = queue.startNext() { started.append(run.runId) }
        return started
    }

    @Test func oneAtATimeInOrder() {
        var queue = LaneQueue(maximumActive: 4)
        var added = ["1", "2", "3", "2"].map { queue.add(run($0)) }
        #expect(added == [true, true, true, false])
        #expect(startAll(&queue) == ["1"])
        queue.end("1")
        #expect(startAll(&queue) == ["2"])
        queue.end("2")
        #expect(startAll(&queue) == ["3"])
        queue.end("3")
        #expect(startAll(&queue) == [])
        #expect(queue.all.isEmpty)
        added = [queue.add(run("1"))]
        #expect(added == [true])
    }

    @Test func sessionsRunBesideEachOtherUpToTheCap() {
        var queue = LaneQueue(maximumActive: 2)
        for id in ["a1", "a2", "b1", "c1"] { _ = queue.add(run(id, String(id.prefix(1)))) }
        #expect(startAll(&queue) == ["a1", "b1"])
        queue.end("a1")
        // The session that has waited longest comes first.
        #expect(startAll(&queue) == ["c1"])
        queue.end("b1")
        #expect(startAll(&queue) == ["a2"])
    }

    @Test func removingWhatWaits() {
        var queue = LaneQueue(maximumActive: 1)
        for id in ["a1", "a2", "b1"] { _ = queue.add(run(id, String(id.prefix(1)))) }
        #expect(startAll(&queue) == ["a1"])
        #expect(queue.remove("a1") == nil)
        #expect(queue.remove("b1")?.runId == "b1")
        #expect(queue.remove("b1") == nil)
        #expect(queue.remove("nosuch") == nil)
        queue.end("a1")
        #expect(startAll(&queue) == ["a2"])
        #expect(queue.all.map(\.isRunning) == [true])
    }

    @Test func manyRunsKeepTheirOrder() {
        var queue = LaneQueue(maximumActive: 4)
        var expected: [String: [String]] = [:]
        for number in 0..<2000 {
            let session = "s\(number % 7)"
            _ = queue.add(run("\(number)", session))
            expected[session, default: []].append("\(number)")
        }
        var seen: [String: [String]] = [:]
        var active: [RunRequest] = []
        var generator = SystemRandomNumberGenerator()
        while true {
            while let run = queue.startNext() { active.append(run) }
            #expect(active.count <= 4)
            #expect(Set(active.map(\.sessionKey)).count == active.count)
            guard let index = active.indices.randomElement(using: &generator) else { break }
            let run = active.remove(at: index)
            seen[run.sessionKey.rest, default: []].append(run.runId)
            queue.end(run.runId)
        }
        #expect(seen == expected)
    }
}
