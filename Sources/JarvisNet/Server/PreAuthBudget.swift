import Synchronization

/// Counts web sockets that have upgraded and not authenticated. One budget serves all listeners of a gateway.
package final class PreAuthBudget: Sendable {
    /// Why no slot was free.
    enum Refusal: Error { case total, address }

    private struct Counts {
        var total = 0
        var byAddress: [String: Int] = [:]
    }

    private let total: Int
    private let perAddress: Int
    private let counts = Mutex(Counts())

    /// A budget of `total` sockets, `perAddress` of them from one address.
    package init(total: Int = 64, perAddress: Int = 16) {
        self.total = total
        self.perAddress = perAddress
    }

    /// How many slots are taken.
    package var inUse: Int { counts.withLock { $0.total } }

    /// Takes a slot for `peer`, or tells why there is none.
    func take(_ peer: PeerAddress) -> Refusal? {
        let key = peer.limiterKey
        let counted = if case .tcp = peer { true } else { false }
        return counts.withLock { counts in
            if counts.total >= total { return .total }
            if counted, counts.byAddress[key, default: 0] >= perAddress { return .address }
            counts.total += 1
            counts.byAddress[key, default: 0] += 1
            return nil
        }
    }

    /// Gives back a slot that `take` granted.
    func giveBack(_ peer: PeerAddress) {
        let key = peer.limiterKey
        counts.withLock { counts in
            counts.total -= 1
            let left = counts.byAddress[key, default: 1] - 1
            counts.byAddress[key] = left > 0 ? left : nil
        }
    }
}
