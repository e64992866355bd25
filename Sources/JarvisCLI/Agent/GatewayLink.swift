import JarvisClient
import JarvisCore
import JarvisProtocol

/// A connection to a gateway that comes back after a restart of it.
actor GatewayLink {
    private let context: CLIContext
    private let endpoint: EndpointOptions
    private var client: RPCClient?

    init(context: CLIContext, endpoint: EndpointOptions) {
        self.context = context
        self.endpoint = endpoint
    }

    /// The connection; makes it when there is none.
    ///
    /// - Throws: `gateway.not_running`, `client.unreachable`, `WireError`.
    func connected() async throws -> RPCClient {
        if let client { return client }
        let made = try await endpoint.connect(context)
        client = made
        return made
    }

    /// A new connection after the old one broke: tries with growing pauses until `deadline`.
    ///
    /// - Parameter waiting: called once before the first pause.
    /// - Throws: the last failure; a refusal that time does not mend at once.
    func reconnected(
        until deadline: ContinuousClock.Instant, waiting: @Sendable () -> Void = {}
    ) async throws -> RPCClient {
        client?.close()
        client = nil
        var pause = Duration.milliseconds(200)
        var isFirst = true
        while true {
            do {
                return try await connected()
            } catch {
                guard Self.isTemporary(error), ContinuousClock.now + pause < deadline else { throw error }
                if isFirst { waiting() }
                isFirst = false
                try await Task.sleep(for: pause)
                pause = min(pause * 2, .seconds(5))
            }
        }
    }

    /// Ends the connection.
    func close() {
        client?.close()
        client = nil
    }

    /// Whether a broken connection, not a refusal, lies behind `error`.
    static func isLost(_ error: any Error) -> Bool {
        switch error {
        case let error as JarvisError: error.code == "client.closed" || error.code == "client.unreachable"
        case let error as WireError: error.code == .unavailable && error.retryable == true
        default: false
        }
    }

    private static func isTemporary(_ error: any Error) -> Bool {
        if isLost(error) { return true }
        guard let error = error as? JarvisError else { return false }
        return ["gateway.not_running", "client.timeout"].contains(error.code.rawValue)
    }
}
