import Foundation
import JarvisCore
import JarvisHost
import Testing

@Suite struct LifecycleJournalTests {
    private func boot(_ id: String, pid: Int32 = 7) -> LifecycleTicket.Boot {
        LifecycleTicket.Boot(pid: pid, processStartTime: 99, bootId: id, version: "1.2.3", readyAt: 5)
    }

    private func journal() -> LifecycleJournal {
        let state = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        return LifecycleJournal(InstancePaths(state: state, canonicalState: state, socketFallbackDirectory: "/tmp"))
    }

    private func ticket(_ action: LifecycleTicket.Action, pid: Int32 = 7) -> LifecycleTicket {
        LifecycleTicket(action: action, reason: "why", requestedBy: "rpc", requestedAt: 1, before: boot("a", pid: pid))
    }

    @Test func ticketsComeBackAsTheyWere() throws {
        let journal = journal()
        #expect(journal.tickets().isEmpty)
        let first = ticket(.restart)
        try journal.put(first)
        #expect(journal.ticket(first.id) == first && first.isPending)
        let refused = first.ended(.refused, at: 9, problem: .init(code: "x.y", message: "no", hint: "do"))
        try journal.put(refused)
        #expect(journal.tickets() == [refused])
    }

    @Test func theNextBootEndsWhatIsOpen() throws {
        let journal = journal()
        let restart = ticket(.restart)
        let stop = ticket(.stop)
        try journal.put(restart)
        try journal.put(stop)
        try journal.complete(with: boot("b"))
        #expect(journal.ticket(restart.id)?.state == .done)
        #expect(journal.ticket(restart.id)?.after == boot("b"))
        #expect(journal.ticket(stop.id)?.after == nil)
        #expect(journal.tickets().allSatisfy { !$0.isPending })
    }

    @Test func aFailedStartEndsOnlyItsOwn() throws {
        let journal = journal()
        let mine = ticket(.restart)
        let other = ticket(.restart, pid: 8)
        try journal.put(mine)
        try journal.put(other)
        try journal.fail(pid: 7, .init(code: "gateway.mode", message: "no"), at: 3)
        #expect(journal.ticket(mine.id)?.state == .failed)
        #expect(journal.ticket(mine.id)?.problem?.code == "gateway.mode")
        #expect(journal.ticket(other.id)?.isPending == true)
    }

    @Test func onlyTheNewestAreKept() throws {
        let journal = journal()
        for _ in 0..<(LifecycleJournal.limit + 5) { try journal.put(ticket(.restart)) }
        #expect(journal.tickets().count == LifecycleJournal.limit)
    }

    @Test func aTornJournalIsNone() throws {
        let journal = journal()
        try journal.put(ticket(.stop))
        try DurableFile.write(Array("{\"tickets\": [".utf8), to: journal.path)
        #expect(journal.tickets().isEmpty)
        try journal.put(ticket(.stop))
        #expect(journal.tickets().count == 1)
    }
}
