import JarvisCore
import JarvisNet
import JarvisProtocol
import NIOCore

/// One WebSocket as the gateway sees it.
struct Connection {
    /// The connection's number in this process.
    let id: Int
    /// The name that clients and presence see.
    let connId: String
    let socket: WebSocket
    let peer: PeerAddress
    /// Whether the peer is on this host, spoke to us directly and is no browser page: what silent pairing asks for.
    let isLocalDirect: Bool
    /// The Origin header, which only browsers send.
    let origin: String?
    let host: String
    let openedAt: EpochMilliseconds
    /// The challenge of this connection; used once.
    let nonce: String
    /// Nil until `connect` succeeded.
    var session: ConnectionSession?
    /// Whether the first frame was seen.
    var sawConnect = false
    /// Refused calls; too many close the connection.
    var denials = 0
    /// Requests that are not answered yet; beyond `Policy.maxOpenRequests` new ones are refused.
    var openRequests = 0
    /// The request that an ordered method waits for: methods of one connection that change something run in the order
    /// in which they were received.
    var orderedTail: Task<Void, Never>?
    /// How many events were left out because the client reads too slowly.
    var droppedEvents = 0
    /// Since when every event was left out; nil while the client keeps up.
    var behindSince: NIODeadline?

    /// What a connected client may do and wants to hear.
    struct ConnectionSession {
        var client: ConnectParams.Client
        var caps: Set<String>
        var role: String
        var scopes: ScopeSet
        var protocolVersion: Int
        /// The paired device, when it proved one.
        var deviceId: String?
        /// Whether the shared secret, or that none is asked for, let it in (not a device token or the owner's socket): it
        /// ends when that changes.
        var usedSharedSecret: Bool
        var connectedAt: EpochMilliseconds
        var subscribedToSessions = false
        var subscribedMessages: Set<String> = []
    }
}

/// Hands the socket's callbacks to the gateway, which lives on the same event loop.
final class ConnectionHandler: WebSocketHandler, Sendable {
    private let gateway: Gateway
    private let id: Int
    private let request: UpgradeFacts

    /// What the upgrade request said.
    struct UpgradeFacts: Sendable {
        var isLocalDirect: Bool
        var origin: String?
        var host: String
    }

    init(gateway: Gateway, id: Int, request: UpgradeFacts) {
        self.gateway = gateway
        self.id = id
        self.request = request
    }

    func opened(_ socket: WebSocket) {
        gateway.assumeIsolated { $0.open(id, socket: socket, request: request) }
    }

    func received(text: ByteBuffer) {
        gateway.assumeIsolated { $0.receive(text, from: id) }
    }

    func received(binary: ByteBuffer) {
        gateway.assumeIsolated { $0.receiveBinary(from: id) }
    }

    func closed(code: UInt16?, reason: String) {
        gateway.assumeIsolated { $0.forget(id, code: code) }
    }
}
