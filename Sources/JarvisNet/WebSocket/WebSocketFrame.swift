import NIOCore

/// Writes RFC 6455 frames.
enum WebSocketFrame {
    enum Opcode: UInt8 { case text = 1, binary = 2, close = 8, ping = 9, pong = 10 }

    /// The longest header: two bytes, an eight-byte length, a mask.
    static let maximumHeaderBytes = 14

    /// Writes the header of one final frame.
    static func writeHeader(_ opcode: Opcode, payloadBytes: Int, mask: UInt32?, into buffer: inout ByteBuffer) {
        buffer.writeInteger(0x80 | opcode.rawValue)
        let maskBit: UInt8 = mask == nil ? 0 : 0x80
        switch payloadBytes {
        case ...125: buffer.writeInteger(maskBit | UInt8(payloadBytes))
        case ...0xFFFF:
            buffer.writeInteger(maskBit | 126)
            buffer.writeInteger(UInt16(payloadBytes))
        default:
            buffer.writeInteger(maskBit | 127)
            buffer.writeInteger(UInt64(payloadBytes))
        }
        if let mask { buffer.writeInteger(mask, endianness: .host) }
    }

    /// Writes `payload`, masked when there is a mask.
    static func writePayload(_ payload: ByteBuffer, mask: UInt32?, into buffer: inout ByteBuffer) {
        guard let mask else {
            buffer.writeImmutableBuffer(payload)
            return
        }
        let key = UInt64(mask) << 32 | UInt64(mask)
        payload.withUnsafeReadableBytes { source in
            _ = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: source.count) { destination in
                WebSocketStateMachine.unmask(source, into: destination, key: key)
                return source.count
            }
        }
    }

    /// A close frame's payload: empty without a code; the reason is cut to what a control frame holds.
    static func closePayload(code: UInt16?, reason: String) -> ByteBuffer {
        guard let code else { return ByteBuffer() }
        var payload = ByteBuffer()
        payload.writeInteger(code)
        var room = 123
        for character in reason.unicodeScalars {
            let width = UTF8.width(character)
            guard width <= room else { break }
            room -= width
            payload.writeString(String(character))
        }
        return payload
    }
}

/// One message encoded once, to be sent to many sockets.
package struct PreparedFrame: Sendable {
    // Header and payload as a server sends them: unmasked.
    let bytes: ByteBuffer
    let payload: ByteBuffer
    let isText: Bool

    /// A text message. The bytes must be UTF-8.
    package init(text: [UInt8]) { self.init(ByteBuffer(bytes: text), opcode: .text) }

    /// A text message. The bytes must be UTF-8.
    package init(text: ByteBuffer) { self.init(text, opcode: .text) }

    /// A binary message.
    package init(binary: [UInt8]) { self.init(ByteBuffer(bytes: binary), opcode: .binary) }

    /// The bytes of the message without the frame.
    package var payloadBytes: Int { payload.readableBytes }

    private init(_ payload: ByteBuffer, opcode: WebSocketFrame.Opcode) {
        var buffer = ByteBufferAllocator().buffer(
            capacity: payload.readableBytes + WebSocketFrame.maximumHeaderBytes)
        WebSocketFrame.writeHeader(opcode, payloadBytes: payload.readableBytes, mask: nil, into: &buffer)
        let start = buffer.writerIndex
        buffer.writeImmutableBuffer(payload)
        self.payload = buffer.getSlice(at: start, length: payload.readableBytes) ?? payload
        bytes = buffer
        isText = opcode == .text
    }
}
