import NIOHTTP1

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The opening handshake's rules (RFC 6455 section 4), without I/O.
enum WebSocketHandshake {
    /// Whether the request asks for a WebSocket at all.
    static func isUpgrade(_ head: HTTPRequestHead) -> Bool {
        tokens(head.headers, "upgrade").contains("websocket")
    }

    /// The `Sec-WebSocket-Accept` for a well-formed upgrade request.
    static func accept(_ head: HTTPRequestHead) throws(HeadRefusal) -> String {
        guard head.method == .GET, head.version.minor >= 1 else {
            throw HeadRefusal(status: 400, message: "a WebSocket upgrade is an HTTP/1.1 GET")
        }
        guard tokens(head.headers, "connection").contains("upgrade") else {
            throw HeadRefusal(status: 400, message: "a WebSocket upgrade needs Connection: Upgrade")
        }
        guard head.headers["sec-websocket-version"] == ["13"] else {
            throw HeadRefusal(status: 426, message: "WebSocket version 13 is spoken here")
        }
        guard !head.headers.contains(name: "transfer-encoding"),
            head.headers["content-length"].allSatisfy({ $0 == "0" })
        else { throw HeadRefusal(status: 400, message: "a WebSocket upgrade has no body") }
        let keys = head.headers["sec-websocket-key"]
        guard keys.count == 1, let key = keys.first, key.utf8.count == 24, Data(base64Encoded: key)?.count == 16 else {
            throw HeadRefusal(status: 400, message: "Sec-WebSocket-Key must be 16 bytes in base64")
        }
        return acceptValue(for: key)
    }

    /// What a server answers to `key`.
    static func acceptValue(for key: String) -> String {
        base64(SHA1.digest(Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8)))
    }

    static func base64(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }

    /// The comma-separated words of a header in lower case.
    static func tokens(_ headers: HTTPHeaders, _ name: String) -> [String] {
        headers[canonicalForm: name].map { $0.lowercased() }
    }
}
