import JarvisCore
import JarvisNet
import JarvisProtocol
import NIOCore
import NIOPosix
import Synchronization

/// How to reach one gateway.
public struct GatewayEndpoint: Sendable {
    /// The door.
    public enum Door: Sendable, Hashable {
        /// The owner's unix socket: the kernel proves who connects, no secret is needed.
        case unix(path: String)
        /// A WebSocket URL: `ws://127.0.0.1:18789`.
        case url(String)
    }

    /// The door.
    public var door: Door
    /// The shared token, for a URL.
    public var token: String?
    /// The shared password, for a URL.
    public var password: String?
    /// The instance that must answer; any when nil.
    public var expectedInstanceId: String?

    /// An endpoint.
    public init(door: Door, token: String? = nil, password: String? = nil, expectedInstanceId: String? = nil) {
        self.door = door
        self.token = token
        self.password = password
        self.expectedInstanceId = expectedInstanceId
    }
}

/// An event that a gateway sent.
public struct GatewayEvent: Sendable {
    /// Its name.
    public var name: String
    /// Its payload.
    public var payload: JSONValue
    /// Its number, for broadcasts.
    public var seq: Int?
}

/// A connection to a gateway: requests, answers, events. Safe to use from any task.
public final class RPCClient: Sendable {
    private let socket: WebSocket
    private let state: ClientState
    /// The payload of `hello-ok`.
    public let hello: JSONValue

    /// Events in the order of their arrival. One consumer; at most 4096 wait, then the oldest are lost and the gap in
    /// `seq` shows it.
    public let events: AsyncStream<GatewayEvent>

    private init(socket: WebSocket, state: ClientState, hello: JSONValue, events: AsyncStream<GatewayEvent>) {
        self.socket = socket
        self.state = state
        self.hello = hello
        self.events = events
    }

    /// Connects and shakes hands.
    ///
    /// - Parameters:
    ///   - version: the client's own version.
    ///   - displayName: for presence.
    ///   - mode: one of the protocol's modes. Default `cli`.
    /// - Throws: `JarvisError` `client.unreachable` when nobody answers, `client.wrong_instance` when another instance
    ///   does; `WireError` when the gateway refuses.
    public static func connect(
        _ endpoint: GatewayEndpoint, version: String, displayName: String? = nil, mode: String = "cli",
        caps: [String] = ["tool-events"], timeout: Duration = .seconds(10), group: any EventLoopGroup
    ) async throws -> RPCClient {
        let (events, continuation) = AsyncStream.makeStream(
            of: GatewayEvent.self, bufferingPolicy: .bufferingNewest(4096))
        let state = ClientState(events: continuation)
        let socket: WebSocket
        do {
            switch endpoint.door {
            case .unix(let path):
                socket = try await WebSocketClient.connect(
                    url: "ws://localhost/", unixSocketPath: path, group: group, connectTimeout: timeout,
                    handler: ClientHandler(state: state))
            case .url(let url):
                socket = try await WebSocketClient.connect(
                    url: url, group: group, connectTimeout: timeout, handler: ClientHandler(state: state))
            }
        } catch let error as HTTPClientError {
            throw JarvisError(
                "client.unreachable", "no gateway answers at \(endpoint.door.text): \(error.message)", cause: error)
        }
        do {
            let hello = try await shakeHands(
                endpoint, socket: socket, state: state, version: version, displayName: displayName, mode: mode,
                caps: caps,
                timeout: timeout)
            return RPCClient(socket: socket, state: state, hello: hello, events: events)
        } catch {
            socket.eventLoop.execute { socket.close(code: 1000, reason: "") }
            throw error
        }
    }

    private static func shakeHands(
        _ endpoint: GatewayEndpoint, socket: WebSocket, state: ClientState, version: String, displayName: String?,
        mode: String, caps: [String], timeout: Duration
    ) async throws -> JSONValue {
        let auth: JSONValue = .members([
            "token": endpoint.token.map(JSONValue.string), "password": endpoint.password.map(JSONValue.string),
        ])
        let params: JSONValue = .members([
            "minProtocol": JSONValue(ProtocolVersion.minimum), "maxProtocol": JSONValue(ProtocolVersion.maximum),
            "client": .members([
                "id": "cli", "displayName": displayName.map(JSONValue.string), "version": .string(version),
                "platform": .string(Platform.name), "mode": .string(mode),
            ]),
            "caps": JSONValue(caps), "role": "operator",
            "scopes": JSONValue(ScopeSet.all.names), "auth": auth.objectValue?.isEmpty == true ? nil : auth,
        ])
        let hello = try await state.request("connect", params, over: socket, timeout: timeout)
        if let expected = endpoint.expectedInstanceId, let found = hello["server"]?["instanceId"]?.stringValue,
            expected != found
        {
            throw JarvisError(
                "client.wrong_instance",
                "the gateway at \(endpoint.door.text) is instance \(found), expected \(expected); nothing was sent to it",
                exitCode: 2)
        }
        return hello
    }

    /// Calls a method and waits for its answer.
    ///
    /// - Throws: `WireError` for a refusal, `JarvisError` `client.timeout` or `client.closed`.
    @discardableResult
    public func call(
        _ method: String, _ params: JSONValue = [:], timeout: Duration = .seconds(30)
    ) async throws -> JSONValue {
        try await state.request(method, params, over: socket, timeout: timeout)
    }

    /// Calls a method that answers twice (`agent`): returns the first answer and a wait for the second.
    public func callExpectingFinal(
        _ method: String, _ params: JSONValue, timeout: Duration = .seconds(30), finalTimeout: Duration = .seconds(660)
    ) async throws -> (first: JSONValue, final: @Sendable () async throws -> JSONValue) {
        let id = Identifiers.uuid()
        let first = try await state.request(method, params, id: id, over: socket, timeout: timeout, keep: true)
        return (first, { [state, socket] in try await state.awaitAnswer(id, over: socket, timeout: finalTimeout) })
    }

    /// Closes the connection and ends `events`.
    public func close() {
        socket.eventLoop.execute { [socket] in socket.close(code: 1000, reason: "") }
    }
}

extension GatewayEndpoint.Door {
    /// The door for messages.
    public var text: String {
        switch self {
        case .unix(let path): path
        case .url(let url): url
        }
    }
}

/// The platform word of the protocol.
enum Platform {
    #if os(Linux)
        static let name = "linux"
    #elseif os(macOS)
        static let name = "darwin"
    #else
        static let name = "unknown"
    #endif
}
