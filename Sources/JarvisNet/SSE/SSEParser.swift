import NIOCore

/// One event of a server-sent event stream.
package struct ServerSentEvent: Equatable, Sendable {
    /// The event's name; `message` when the stream gave none.
    package var event: String
    /// The data lines joined by newlines.
    package var data: String
    /// The last id the stream gave so far.
    package var id: String?
    /// The reconnection time in milliseconds that came with this event.
    package var retry: Int?

    /// An event.
    package init(event: String = "message", data: String, id: String? = nil, retry: Int? = nil) {
        self.event = event
        self.data = data
        self.id = id
        self.retry = retry
    }
}

/// A stream that breaks a limit.
package struct SSEError: Error, Equatable, Sendable {
    /// Words for a person.
    package var message: String
}

/// Reads a server-sent event stream (WHATWG HTML, section 9.2.6) from pieces of any size: lines end in CR, LF or CRLF,
/// a leading byte order mark is skipped, invalid UTF-8 becomes U+FFFD.
package struct SSEParser: Sendable {
    /// How many comment lines have passed: servers send them to keep a connection alive.
    package private(set) var commentCount = 0

    private let lineLimit: Int
    private let eventLimit: Int
    private var line: [UInt8] = []
    private var sawCR = false
    private var atStart = true
    private var event = ""
    private var data: [UInt8] = []
    private var hasData = false
    private var id: String?
    private var retry: Int?

    /// A parser that refuses a line of more than `lineLimit` bytes (default 1 MiB) and an event whose data has more
    /// than `eventLimit` bytes (default 16 MiB).
    package init(lineLimit: Int = 1 << 20, eventLimit: Int = 16 << 20) {
        self.lineLimit = lineLimit
        self.eventLimit = eventLimit
    }

    /// Takes the next bytes of the stream and returns the events they complete.
    ///
    /// - Throws: `SSEError` beyond a limit; the parser is of no use afterwards.
    package mutating func push(_ bytes: [UInt8]) throws(SSEError) -> [ServerSentEvent] { try push(bytes[...]) }

    /// Takes the next bytes of the stream and returns the events they complete.
    ///
    /// - Throws: `SSEError` beyond a limit; the parser is of no use afterwards.
    package mutating func push(_ bytes: ByteBuffer) throws(SSEError) -> [ServerSentEvent] {
        try push(Array(bytes.readableBytesView)[...])
    }

    private mutating func push(_ bytes: ArraySlice<UInt8>) throws(SSEError) -> [ServerSentEvent] {
        var events: [ServerSentEvent] = []
        var start = bytes.startIndex
        var index = start
        while index < bytes.endIndex {
            let byte = bytes[index]
            if byte != 0x0A, byte != 0x0D {
                sawCR = false
                index += 1
                continue
            }
            // The LF of a CRLF whose CR has ended the line already.
            if byte == 0x0A, sawCR, index == start {
                sawCR = false
                index += 1
                start = index
                continue
            }
            try append(bytes[start..<index])
            sawCR = byte == 0x0D
            index += 1
            start = index
            if let done = try endLine() { events.append(done) }
        }
        try append(bytes[start...])
        return events
    }

    /// The stream is over: returns the event that no blank line has ended, when it has data. Servers do end streams
    /// that way.
    package mutating func finish() -> [ServerSentEvent] {
        let last = line.isEmpty ? nil : ((try? endLine()) ?? nil)  // too large an event is dropped
        return [last, dispatch()].compactMap { $0 }
    }

    private mutating func append(_ bytes: ArraySlice<UInt8>) throws(SSEError) {
        guard line.count + bytes.count <= lineLimit else {
            throw SSEError(message: "a line of the event stream has more than \(lineLimit) bytes")
        }
        line.append(contentsOf: bytes)
    }

    private mutating func endLine() throws(SSEError) -> ServerSentEvent? {
        defer { line.removeAll(keepingCapacity: line.capacity <= 64 << 10) }
        var text = line[...]
        if atStart {
            atStart = false
            if text.starts(with: [0xEF, 0xBB, 0xBF]) { text = text.dropFirst(3) }
        }
        guard let first = text.first else { return dispatch() }
        if first == UInt8(ascii: ":") {
            commentCount += 1
            return nil
        }
        let colon = text.firstIndex(of: UInt8(ascii: ":")) ?? text.endIndex
        var value = colon < text.endIndex ? text[(colon + 1)...] : []
        if value.first == 0x20 { value = value.dropFirst() }
        try field(String(decoding: text[..<colon], as: UTF8.self), value)
        return nil
    }

    private mutating func field(_ name: String, _ value: ArraySlice<UInt8>) throws(SSEError) {
        switch name {
        case "data":
            guard data.count + value.count + 1 <= eventLimit else {
                throw SSEError(message: "an event of the event stream has more than \(eventLimit) bytes")
            }
            if hasData { data.append(0x0A) }
            data.append(contentsOf: value)
            hasData = true
        case "event": event = String(decoding: value, as: UTF8.self)
        case "id": if !value.contains(0) { id = String(decoding: value, as: UTF8.self) }
        case "retry":
            if !value.isEmpty, value.allSatisfy({ $0 >= 48 && $0 <= 57 }) {
                retry = Int(String(decoding: value, as: UTF8.self))
            }
        default: break
        }
    }

    private mutating func dispatch() -> ServerSentEvent? {
        defer {
            event = ""
            data.removeAll(keepingCapacity: data.capacity <= 64 << 10)
            hasData = false
        }
        guard hasData else { return nil }
        defer { retry = nil }
        return ServerSentEvent(
            event: event.isEmpty ? "message" : event, data: String(decoding: data, as: UTF8.self), id: id, retry: retry)
    }
}
