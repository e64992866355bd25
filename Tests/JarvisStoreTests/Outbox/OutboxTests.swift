import JarvisCore
import JarvisKit
import JarvisStore
import Testing

@Suite struct OutboxTests {
    let fixture = StoreFixture()

    @Test func aDeliveryIsStoredWithTheEndOfItsRun() async throws {
        let store = try fixture.open()
        for id in ["a", "b"] {
            _ = try await store.accept(inbound(id))
            var end = finish(id, answer("x"))
            end.delivery = OutboxDraft(idempotencyKey: "out-\(id)", target: ["chat": "1"], payload: ["text": "x"])
            try await store.finishRun(end)
            try await store.finishRun(end)
        }
        let after = try fixture.crashCopy().open()
        let waiting = try await after.pendingOutbox()
        #expect(waiting.map(\.runId) == ["a", "b"] && waiting.map(\.state) == [.pending, .pending])
        try await after.markOutboxSending(waiting[0].id)
        #expect(try await after.pendingOutbox().first?.state == .sending)
        #expect(try await after.pendingOutbox().first?.attempts == 1)
        try await after.markOutboxSent(waiting[0].id, deliveredId: "m-1")
        try await after.retryOutbox(waiting[1].id, at: 99, error: "rate limit")
        #expect(try await after.pendingOutbox().map(\.dueAt) == [99])
        #expect(try await after.pruneRuns(endedBefore: .max) == 1, "a run stays while its delivery waits")
        try await after.markOutboxAmbiguous(waiting[1].id, reason: "connection lost")
        #expect(try await after.pendingOutbox().isEmpty)
        let unknown = await #expect(throws: JarvisError.self) { try await after.markOutboxSending(77) }
        #expect(unknown?.code == "outbox.unknown")
        await after.close()
        await store.close()
    }

    @Test func devices() async throws {
        let store = try fixture.open()
        try await store.putDevice(.pending, id: "r1", record: ["deviceId": "d1"])
        try await store.putDevice(.pending, id: "r1", record: ["deviceId": "d1", "n": 2])
        let pending = try await store.devices(.pending)
        #expect(pending.map(\.id) == ["r1"] && pending.map(\.record) == [["deviceId": "d1", "n": 2]])
        try await store.pairDevice(id: "d1", record: ["role": "operator"], removingPending: "r1")
        #expect(try await store.devices(.pending).isEmpty)
        #expect(try await store.device(.paired, id: "d1") == ["role": "operator"])
        #expect(try await store.removeDevice(.paired, id: "d1"))
        #expect(try await store.removeDevice(.paired, id: "d1") == false)
        await store.close()
    }
}
