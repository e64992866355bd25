import JarvisCore
import JarvisNet
import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Asks a debugging endpoint for the WebSocket to command it through.
struct EndpointDiscovery: Sendable {
    /// What `/json/version` may answer at most.
    static let bodyLimit = 1 << 20

    let address: CDPAddress
    /// For the whole question and answer.
    let timeout: Duration
    let group: any EventLoopGroup
    let check: ConnectionCheck?

    /// A way in: an address without user and password, and the header that carries those.
    struct Door: Sendable {
        var url: String
        var headers: [(String, String)]
        /// What it says it is, when it was asked.
        var product: String?
    }

    /// The WebSocket. Its host and port are always those of the configured address, whatever the answer says: an
    /// endpoint must not send us, and our credentials, anywhere else.
    ///
    /// - Throws: `BrowserError` 500 `endpoint_failed`, 408 `timeout`; no message holds user, password or query. What
    ///   the check throws.
    func door() async throws -> Door {
        if address.isWebSocket {
            return Door(url: url(scheme: address.scheme, target: address.target), headers: headers)
        }
        let answer = try await version()
        guard let named = answer["webSocketDebuggerUrl"]?.stringValue else {
            throw failure("its /json/version names no webSocketDebuggerUrl")
        }
        guard let found = try? ClientURL(named, schemes: ["ws", "wss"]) else {  // the reason is not for us to repeat
            throw failure("the webSocketDebuggerUrl of its /json/version is no WebSocket address")
        }
        var target = found.target
        // A token in the configured address is for the WebSocket too, unless the answer has words of its own.
        if !target.contains("?"), let query = address.target.firstIndex(of: "?") { target += address.target[query...] }
        return Door(
            url: url(scheme: address.isTLS ? "wss" : "ws", target: target), headers: headers,
            product: answer["Browser"]?.stringValue.map { String($0.prefix(100)) })
    }

    private func version() async throws -> JSONValue {
        let (path, query) = Self.split(address.target)
        let base = path.hasSuffix("/") ? path.dropLast() : path
        let request = HTTPClientRequest(
            url: url(scheme: address.scheme, target: "\(base)/json/version\(query)"), headers: headers,
            connectTimeout: timeout, firstByteTimeout: timeout, idleTimeout: timeout)
        let client = HTTPClient(group: group, check: check)
        let (status, body) = try await bounded {
            try await client.withResponse(request) { response in
                (response.status, try await response.collect(limit: Self.bodyLimit))
            }
        }
        switch status {
        case 200: break
        case 300...399: throw failure("it answers with a redirect, which is not followed")
        case 401, 403: throw failure("it refused the credentials of the configured address (HTTP \(status))")
        case 500 where address.authority.address == nil && address.authority.host != "localhost":
            throw failure(
                "its /json/version answered HTTP 500, as Chrome does when it is called by a name: write its IP address, or "
                    + "let the proxy in front of it send Host: localhost")
        default: throw failure("its /json/version answered HTTP \(status)")
        }
        guard let value = try? JSONParser.parse(body), value.objectValue != nil else {  // the body is not repeated
            throw failure("its /json/version is no JSON object, so it is no browser")
        }
        return value
    }

    /// `body`, with one limit over all its waits: an endpoint that drips keeps nobody.
    private func bounded<T: Sendable>(_ body: @escaping @Sendable () async throws -> T) async throws -> T {
        do {
            return try await withThrowingTaskGroup(of: T?.self) { [timeout] group in
                group.addTask { try await body() }
                group.addTask {
                    try await Task.sleep(for: timeout)
                    return nil
                }
                defer { group.cancelAll() }
                guard let first = try await group.next(), let value = first else { throw late }
                return value
            }
        } catch let error as HTTPClientError {
            throw Self.describe(error, address, timeout)
        }
    }

    private var late: BrowserError { Self.late(address, timeout) }

    private static func late(_ address: CDPAddress, _ timeout: Duration) -> BrowserError {
        BrowserError(
            408, "timeout",
            "The browser at \(address) did not answer within \(milliseconds(timeout)) ms (browser.remoteCdpTimeoutMs).")
    }

    /// An error of the connection in the words of the control service.
    static func describe(_ error: HTTPClientError, _ address: CDPAddress, _ timeout: Duration) -> BrowserError {
        var why = error.message
        switch error.kind {
        case .timeout: return late(address, timeout)
        case .tls where why.contains("is not trusted"):
            why +=
                ". Is it your own? Add the authority that signed it to those of this host, or name a file with it in "
                + "SSL_CERT_FILE, and restart the gateway (browser.ignoreHTTPSErrors is for pages only)"
        case .refused where error.status == 401 || error.status == 403:
            why = "it refused the credentials of the configured address (HTTP \(error.status ?? 0))"
        default: break
        }
        return BrowserError(500, "endpoint_failed", "The browser at \(address) can't be connected to: \(why).")
    }

    private func failure(_ why: String) -> BrowserError {
        BrowserError(500, "endpoint_failed", "The browser at \(address) can't be connected to: \(why).")
    }

    private func url(scheme: String, target: String) -> String {
        "\(scheme)://\(address.authority.bracketedHost):\(address.port)\(target)"
    }

    private var headers: [(String, String)] {
        guard let user = address.userInfo else { return [] }
        return [("Authorization", "Basic " + Data(user.utf8).base64EncodedString())]
    }

    private static func split(_ target: String) -> (path: Substring, query: Substring) {
        let mark = target.firstIndex(of: "?") ?? target.endIndex
        return (target[..<mark], target[mark...])
    }

    static func milliseconds(_ duration: Duration) -> Int { Int(duration / .milliseconds(1)) }
}
