import NIOCore

/// Something with at most one deadline, on one event loop.
protocol DeadlineHolder: AnyObject {
    /// When `deadlineExpired` is due; nil for never.
    var deadline: NIODeadline? { get }
    /// Called on the loop, once per sweep while the deadline lies in the past.
    func deadlineExpired()
}

/// Looks at the deadlines of one event loop's connections on one shared coarse tick, so that setting a deadline costs
/// a store and an idle process without connections has no timer at all.
///
/// Unchecked: every member is touched on `eventLoop` only, and says so by precondition where it is entered.
final class DeadlineSweeper: @unchecked Sendable {
    let eventLoop: any EventLoop
    private let interval: TimeAmount
    private var holders: [ObjectIdentifier: any DeadlineHolder] = [:]
    private var ticking = false

    init(eventLoop: any EventLoop, interval: Duration) {
        self.eventLoop = eventLoop
        self.interval = TimeAmount(interval)
    }

    /// Watches `holder` until `remove`.
    func add(_ holder: any DeadlineHolder) {
        eventLoop.preconditionInEventLoop()
        holders[ObjectIdentifier(holder)] = holder
        guard !ticking else { return }
        ticking = true
        schedule()
    }

    /// Forgets `holder`; fine when it is not known.
    func remove(_ holder: any DeadlineHolder) {
        eventLoop.preconditionInEventLoop()
        holders[ObjectIdentifier(holder)] = nil
    }

    private func schedule() { eventLoop.scheduleTask(in: interval) { self.sweep() } }

    private func sweep() {
        let now = NIODeadline.now()
        for holder in Array(holders.values) {
            if let deadline = holder.deadline, deadline <= now { holder.deadlineExpired() }
        }
        if holders.isEmpty {
            ticking = false
        } else {
            schedule()
        }
    }
}
