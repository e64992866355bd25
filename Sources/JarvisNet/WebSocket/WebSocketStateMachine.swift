import NIOCore

/// Why a web socket can't go on: the close code that tells the peer, and words for it.
package struct WebSocketFailure: Error, Equatable, Sendable {
    /// 1002 protocol, 1007 text that is no UTF-8, 1008 policy, 1009 too big.
    package var code: UInt16
    /// Under 124 bytes.
    package var reason: String
}

/// The receiving half of RFC 6455 for either side: bytes in, messages and control frames out. No I/O, no clock.
///
/// A frame is judged by its first two bytes, a length before its payload, text while it arrives. Memory grows with the
/// bytes that have arrived, never with a length that was only claimed.
package struct WebSocketStateMachine: Sendable {
    /// Which side this is: a server demands masks, a client refuses them.
    package enum Role: Sendable { case server, client }

    /// What arrived.
    package enum Event: Equatable, Sendable {
        /// A whole message of valid UTF-8.
        case text(ByteBuffer)
        /// A whole message of bytes.
        case binary(ByteBuffer)
        /// At most 125 bytes.
        case ping(ByteBuffer)
        /// At most 125 bytes.
        case pong(ByteBuffer)
        /// The peer is done; nothing comes after this.
        case close(code: UInt16?, reason: String)
    }

    /// The most bytes of one message; 1009 beyond. Takes effect with the next frame.
    package var maximumMessageBytes: Int

    private let role: Role
    private var phase = Phase.header
    private var frame = Frame()
    // The first bytes of a header that was cut by the end of a read.
    private var partialHeader = ByteBuffer()
    private var messageOpcode: Opcode?
    private var message = ByteBuffer()
    private var text = UTF8Validator()
    private var fragments = 0
    private var control = ByteBuffer()

    private enum Phase { case header, payload, ended }

    private struct Frame {
        var final = false
        var opcode = Opcode.continuation
        var remaining = 0
        var mask: UInt64 = 0
        var maskOffset = 0
    }

    private enum Opcode: UInt8 {
        case continuation = 0
        case text = 1
        case binary = 2
        case close = 8
        case ping = 9
        case pong = 10

        var isControl: Bool { rawValue >= 8 }
    }

    /// A machine that has seen nothing.
    package init(role: Role, maximumMessageBytes: Int) {
        self.role = role
        self.maximumMessageBytes = maximumMessageBytes
    }

    /// Takes bytes from `input` up to and including the next event; nil when it needs more. After a failure or a close
    /// every further byte is thrown away.
    ///
    /// - Throws: `WebSocketFailure`.
    package mutating func next(_ input: inout ByteBuffer) throws(WebSocketFailure) -> Event? {
        do throws(WebSocketFailure) {
            while true {
                switch phase {
                case .ended:
                    input.moveReaderIndex(to: input.writerIndex)
                    return nil
                case .header:
                    guard try readHeader(&input) else { return nil }
                    phase = .payload
                case .payload:
                    if frame.remaining > 0 {
                        guard input.readableBytes > 0 else { return nil }
                        try readPayload(&input)
                        guard frame.remaining == 0 else { return nil }
                    }
                    phase = .header
                    if let event = try endFrame() { return event }
                }
            }
        } catch {
            phase = .ended
            input.moveReaderIndex(to: input.writerIndex)
            message = ByteBuffer()
            throw error
        }
    }

    // MARK: Header

    private mutating func readHeader(_ input: inout ByteBuffer) throws(WebSocketFailure) -> Bool {
        if partialHeader.readableBytes == 0 {
            if let length = try parseHeader(input) {
                input.moveReaderIndex(forwardBy: length)
                return true
            }
            partialHeader.writeBuffer(&input)
            return false
        }
        while let byte: UInt8 = input.readInteger() {
            partialHeader.writeInteger(byte)
            if try parseHeader(partialHeader) != nil {
                partialHeader = ByteBuffer()
                return true
            }
        }
        return false
    }

    /// Fills `frame` and returns the header's length, or nil when it is not all here. What is here is judged already.
    private mutating func parseHeader(_ bytes: ByteBuffer) throws(WebSocketFailure) -> Int? {
        let start = bytes.readerIndex
        guard let first: UInt8 = bytes.getInteger(at: start) else { return nil }
        guard first & 0x70 == 0 else { throw Self.protocolError("reserved bits are set") }
        guard let opcode = Opcode(rawValue: first & 0x0F) else { throw Self.protocolError("unknown opcode") }
        let final = first & 0x80 != 0
        try judge(opcode, final: final)
        guard let second: UInt8 = bytes.getInteger(at: start + 1) else { return nil }
        let masked = second & 0x80 != 0
        guard masked == (role == .server) else {
            throw Self.protocolError(masked ? "a server must not mask" : "a client must mask")
        }
        var offset = 2
        var length = Int(second & 0x7F)
        if length > 125 {
            guard !opcode.isControl else { throw Self.protocolError("a control frame has at most 125 bytes") }
            if length == 126 {
                guard let wide: UInt16 = bytes.getInteger(at: start + 2) else { return nil }
                guard wide > 125 else { throw Self.protocolError("a length must be spelled the short way") }
                length = Int(wide)
                offset = 4
            } else {
                guard let wide: UInt64 = bytes.getInteger(at: start + 2) else { return nil }
                guard wide > 0xFFFF, wide >> 63 == 0 else { throw Self.protocolError("the length is malformed") }
                length = Int(wide)
                offset = 10
            }
        }
        if !opcode.isControl, length > maximumMessageBytes - message.readableBytes {
            throw WebSocketFailure(code: 1009, reason: "a message has at most \(maximumMessageBytes) bytes")
        }
        if opcode == .close, length == 1 { throw Self.protocolError("a close code has two bytes") }
        var mask: UInt64 = 0
        if masked {
            guard let key: UInt32 = bytes.getInteger(at: start + offset, endianness: .host) else { return nil }
            mask = UInt64(key) << 32 | UInt64(key)
            offset += 4
        }
        frame = Frame(final: final, opcode: opcode, remaining: length, mask: mask)
        return offset
    }

    private func judge(_ opcode: Opcode, final: Bool) throws(WebSocketFailure) {
        switch opcode {
        case .continuation:
            guard messageOpcode != nil else { throw Self.protocolError("nothing to continue") }
            // Room for any honest sender, none for one that spells a message byte by byte.
            guard fragments < 1024 + message.readableBytes / 16 else {
                throw WebSocketFailure(code: 1008, reason: "too many fragments")
            }
        case .text, .binary:
            guard messageOpcode == nil else { throw Self.protocolError("the last message is not finished") }
        case .close, .ping, .pong:
            guard final else { throw Self.protocolError("a control frame can't be fragmented") }
        }
    }

    private static func protocolError(_ reason: String) -> WebSocketFailure {
        WebSocketFailure(code: 1002, reason: reason)
    }

    // MARK: Payload

    private mutating func readPayload(_ input: inout ByteBuffer) throws(WebSocketFailure) {
        let count = min(frame.remaining, input.readableBytes)
        // Taken out and put back so that the buffer stays uniquely held.
        var target = ByteBuffer()
        if frame.opcode.isControl { swap(&target, &control) } else { swap(&target, &message) }
        if target.writableBytes < count {
            target.reserveCapacity(minimumWritableBytes: min(frame.remaining, max(count, 64 << 10)))
        }
        let isText = frame.opcode == .text || (frame.opcode == .continuation && messageOpcode == .text)
        let key = Self.rotated(frame.mask, by: frame.maskOffset)
        var valid = true
        input.readWithUnsafeReadableBytes { source in
            target.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { destination in
                Self.unmask(UnsafeRawBufferPointer(rebasing: source[..<count]), into: destination, key: key)
                if isText {
                    valid = text.consume(UnsafeRawBufferPointer(rebasing: destination[..<count]))
                }
                return count
            }
            return count
        }
        if frame.opcode.isControl { swap(&target, &control) } else { swap(&target, &message) }
        guard valid else { throw Self.invalidText }
        frame.remaining -= count
        frame.maskOffset = (frame.maskOffset + count) & 3
    }

    private static let invalidText = WebSocketFailure(code: 1007, reason: "text must be UTF-8")

    /// The mask as eight bytes in memory order, starting with its byte `offset`.
    private static func rotated(_ mask: UInt64, by offset: Int) -> UInt64 {
        let shift = UInt64(offset * 8)
        guard shift > 0 else { return mask }
        // Little-endian memory order: the next byte is the next higher one.
        #if _endian(little)
            return mask >> shift | mask << (64 - shift)
        #else
            return mask << shift | mask >> (64 - shift)
        #endif
    }

    static func unmask(_ source: UnsafeRawBufferPointer, into destination: UnsafeMutableRawBufferPointer, key: UInt64) {
        if key == 0 {
            destination.copyMemory(from: source)
            return
        }
        var index = 0
        while index + 8 <= source.count {
            let word = source.loadUnaligned(fromByteOffset: index, as: UInt64.self) ^ key
            destination.storeBytes(of: word, toByteOffset: index, as: UInt64.self)
            index += 8
        }
        withUnsafeBytes(of: key) { key in
            while index < source.count {
                destination[index] = source[index] ^ key[index & 7]
                index += 1
            }
        }
    }

    // MARK: End of a frame

    private mutating func endFrame() throws(WebSocketFailure) -> Event? {
        if frame.opcode.isControl {
            var payload = ByteBuffer()
            swap(&payload, &control)
            switch frame.opcode {
            case .ping: return .ping(payload)
            case .pong: return .pong(payload)
            default: return try close(payload)
            }
        }
        if let opcode = frame.opcode == .continuation ? messageOpcode : frame.opcode { messageOpcode = opcode }
        fragments += 1
        guard frame.final else { return nil }
        let isText = messageOpcode == .text
        guard !isText || text.isComplete else { throw Self.invalidText }
        var payload = ByteBuffer()
        swap(&payload, &message)
        messageOpcode = nil
        fragments = 0
        return isText ? .text(payload) : .binary(payload)
    }

    private mutating func close(_ payload: ByteBuffer) throws(WebSocketFailure) -> Event {
        var payload = payload
        phase = .ended
        guard let code: UInt16 = payload.readInteger() else { return .close(code: nil, reason: "") }
        guard Self.isSendable(code) else { throw Self.protocolError("the close code is not one to send") }
        guard let reason = String(validating: payload.readableBytesView, as: UTF8.self) else { throw Self.invalidText }
        return .close(code: code, reason: reason)
    }

    /// Whether `code` may stand in a close frame: the registered ones that travel, and the ranges for libraries and
    /// applications.
    static func isSendable(_ code: UInt16) -> Bool {
        switch code {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }
}
