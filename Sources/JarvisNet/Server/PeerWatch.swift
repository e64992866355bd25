import Synchronization

/// Tells whoever works on a request that nobody waits for its answer any more: the peer has closed the connection, or
/// its sending half of it.
package final class PeerWatch: Sendable {
    private enum State {
        case here(action: (@Sendable () -> Void)?)
        case gone
        case answered
    }

    private let state = Mutex(State.here(action: nil))

    init() {}

    /// Calls `action` once when the peer goes before it was answered; at once when it is gone. It must be quick: it runs
    /// on the connection's event loop. A second action takes the place of the first.
    package func onPeerGone(_ action: @escaping @Sendable () -> Void) {
        let isGone = state.withLock { state in
            switch state {
            case .here:
                state = .here(action: action)
                return false
            case .gone: return true
            case .answered: return false
            }
        }
        if isGone { action() }
    }

    /// The peer is gone.
    func peerGone() {
        let action: (@Sendable () -> Void)? = state.withLock { state in
            guard case .here(let action) = state else { return nil }
            state = .gone
            return action
        }
        action?()
    }

    /// The answer is on its way.
    func answered() { state.withLock { if case .here = $0 { $0 = .answered } } }
}
