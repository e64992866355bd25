import JarvisCore
import NIOCore

/// An answer. The connection adds `Content-Length`, `Connection`, `X-Content-Type-Options: nosniff` and
/// `Referrer-Policy: no-referrer`, and leaves the body out where HTTP has none (HEAD, 204, 304; the last two have no
/// length either).
package struct HTTPServerResponse: Sendable {
    /// 200 to 599.
    package var status: Int
    /// Header fields in order. A field with a control character is not sent.
    package var headers: [(String, String)]
    /// The whole body.
    package var body: [UInt8]
    /// When set, the body is written piece by piece and `body` is ignored. Called on the event loop once the head is on
    /// its way.
    package var stream: (@Sendable (HTTPBodyWriter) -> Void)?
    /// The bytes that `stream` will write; nil: not known (`Transfer-Encoding: chunked`).
    package var streamLength: Int?

    /// An answer of `status` with `body`.
    package init(
        status: Int, headers: [(String, String)] = [], body: [UInt8] = [], streamLength: Int? = nil,
        stream: (@Sendable (HTTPBodyWriter) -> Void)? = nil
    ) {
        self.status = status
        self.headers = headers
        self.body = body
        self.stream = stream
        self.streamLength = streamLength
    }

    /// `value` as `application/json`.
    package static func json(_ value: JSONValue, status: Int = 200, headers: [(String, String)] = []) -> Self {
        Self(
            status: status, headers: [("Content-Type", "application/json; charset=utf-8")] + headers,
            body: JSONWriter.encode(value))
    }

    /// `text` as `text/plain`.
    package static func text(_ text: String, status: Int = 200, headers: [(String, String)] = []) -> Self {
        Self(
            status: status, headers: [("Content-Type", "text/plain; charset=utf-8")] + headers, body: Array(text.utf8))
    }

    /// `bytes` as `contentType`.
    package static func bytes(
        _ bytes: [UInt8], contentType: String, status: Int = 200, headers: [(String, String)] = []
    ) -> Self { Self(status: status, headers: [("Content-Type", contentType)] + headers, body: bytes) }

    /// No body.
    package static func empty(status: Int, headers: [(String, String)] = []) -> Self {
        Self(status: status, headers: headers)
    }

    /// A body that `write` sends piece by piece; `length` bytes when that is known.
    package static func stream(
        contentType: String, status: Int = 200, headers: [(String, String)] = [], length: Int? = nil,
        _ write: @escaping @Sendable (HTTPBodyWriter) -> Void
    ) -> Self {
        Self(
            status: status, headers: [("Content-Type", contentType)] + headers, streamLength: length, stream: write)
    }
}

extension HTTPServerResponse {
    /// The status line, the fields and, where it is not streamed, the body.
    func encoded(allocator: ByteBufferAllocator, isHead: Bool, keepAlive: Bool, chunked: Bool) -> ByteBuffer {
        let bodiless = isHead || status == 204 || status == 304
        var buffer = allocator.buffer(capacity: 256 + (bodiless ? 0 : body.count))
        buffer.writeStaticString("HTTP/1.1 ")
        buffer.writeString(String(status))
        buffer.writeStaticString(" ")
        buffer.writeString(HTTPReason.phrase(status))
        buffer.writeStaticString("\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n")
        for (name, value) in headers where Self.isSafe(name, value) {
            buffer.writeString(name)
            buffer.writeStaticString(": ")
            buffer.writeString(value)
            buffer.writeStaticString("\r\n")
        }
        if stream != nil, streamLength == nil {
            if chunked { buffer.writeStaticString("Transfer-Encoding: chunked\r\n") }
        } else if status != 204, status != 304 {
            buffer.writeStaticString("Content-Length: ")
            buffer.writeString(String(stream == nil ? body.count : streamLength ?? 0))
            buffer.writeStaticString("\r\n")
        }
        if !keepAlive { buffer.writeStaticString("Connection: close\r\n") }
        buffer.writeStaticString("\r\n")
        if !bodiless, stream == nil { buffer.writeBytes(body) }
        return buffer
    }

    /// No header can be smuggled in through a value, and the framing fields are the connection's own.
    private static func isSafe(_ name: String, _ value: String) -> Bool {
        guard HTTPFieldSyntax.isSafe(name: name, value: value) else { return false }
        switch name.lowercased() {
        case "content-length", "transfer-encoding", "connection", "x-content-type-options", "referrer-policy":
            return false
        default: return true
        }
    }
}

/// The words of a status line.
enum HTTPReason {
    static func phrase(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 206: "Partial Content"
        case 302: "Found"
        case 304: "Not Modified"
        case 307: "Temporary Redirect"
        case 308: "Permanent Redirect"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 411: "Length Required"
        case 413: "Content Too Large"
        case 415: "Unsupported Media Type"
        case 416: "Range Not Satisfiable"
        case 417: "Expectation Failed"
        case 421: "Misdirected Request"
        case 422: "Unprocessable Content"
        case 426: "Upgrade Required"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 503: "Service Unavailable"
        case 505: "HTTP Version Not Supported"
        default: "Status \(status)"
        }
    }
}
