import JarvisCore

/// The newest tickets of one instance: `<state>/run/restart.json`, durable. Only the gateway that holds the lock on the
/// state directory writes it; anybody reads it. All calls block.
package struct LifecycleJournal: Sendable {
    /// How many tickets are kept.
    package static let limit = 20

    private let paths: InstancePaths

    /// The journal of the instance with these places.
    package init(_ paths: InstancePaths) { self.paths = paths }

    /// The file.
    package var path: String { HostPath.join(paths.run, "restart.json") }

    /// All tickets, oldest first; none when there is no file or it can't be understood.
    package func tickets() -> [LifecycleTicket] {
        let bytes = try? DurableFile.read(path, limit: 1 << 20)  // no journal: nothing was asked yet
        let json = bytes.flatMap { try? JSONParser.parse(String(decoding: $0, as: UTF8.self)) }  // torn: likewise
        return (json?["tickets"]?.arrayValue ?? []).compactMap(LifecycleTicket.init(json:))
    }

    /// The ticket `id`; nil when there is none, or when it is too old.
    package func ticket(_ id: String) -> LifecycleTicket? { tickets().last { $0.id == id } }

    /// Adds `ticket`, or replaces the one with the same id.
    ///
    /// - Throws: `SystemCallError`.
    package func put(_ ticket: LifecycleTicket) throws {
        try update { tickets in
            if let index = tickets.lastIndex(where: { $0.id == ticket.id }) {
                tickets[index] = ticket
            } else {
                tickets.append(ticket)
            }
        }
    }

    /// Ends what was under way when the boot `boot` became ready: a restart is done, a stop too (somebody started the
    /// gateway again since).
    ///
    /// - Throws: `SystemCallError`.
    package func complete(with boot: LifecycleTicket.Boot) throws {
        guard tickets().contains(where: \.isPending) else { return }
        try update { tickets in
            for index in tickets.indices where tickets[index].isPending {
                let isRestart = tickets[index].action == .restart
                tickets[index] = tickets[index].ended(.done, at: boot.readyAt, after: isRestart ? boot : nil)
            }
        }
    }

    /// Ends what the process `pid` had under way when its start failed.
    ///
    /// - Throws: `SystemCallError`.
    package func fail(pid: Int32, _ problem: LifecycleTicket.Problem, at time: EpochMilliseconds) throws {
        guard tickets().contains(where: { $0.isPending && $0.before.pid == pid }) else { return }
        try update { tickets in
            for index in tickets.indices where tickets[index].isPending && tickets[index].before.pid == pid {
                tickets[index] = tickets[index].ended(.failed, at: time, problem: problem)
            }
        }
    }

    private func update(_ change: (inout [LifecycleTicket]) -> Void) throws {
        var tickets = tickets()
        change(&tickets)
        let json: JSONValue = ["version": 1, "tickets": .array(tickets.suffix(Self.limit).map(\.json))]
        try DurableFile.createDirectory(paths.run)
        try DurableFile.write(Array(JSONWriter.pretty(json).utf8) + [UInt8(ascii: "\n")], to: path)
    }
}
