import Dispatch
import JarvisCore
import Synchronization
import Testing

@testable import JarvisBrowser

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Both ends of a debugging pipe.
private struct Wire {
    let reading: Int32
    let writing: Int32
    let transport: PipeTransport

    init(limit: Int = 1 << 20) throws {
        signal(SIGPIPE, SIG_IGN)
        var commands: [Int32] = [0, 0]
        var answers: [Int32] = [0, 0]
        try #require(pipe(&commands) == 0 && pipe(&answers) == 0)
        reading = commands[0]
        writing = answers[1]
        transport = try PipeTransport(reading: answers[0], writing: commands[1], frameLimit: limit)
    }

    func say(_ text: String) { _ = Array(text.utf8).withUnsafeBytes { write(writing, $0.baseAddress, $0.count) } }
}

@Suite("Debugging pipe")
struct PipeTransportTests {
    @Test("Messages go both ways, and the end of the browser is the end")
    func bothWays() async throws {
        let wire = try Wire()
        let (messages, message) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingOldest(10))
        let reason = await withCheckedContinuation { continuation in
            wire.transport.start(
                receive: { message.yield(String(decoding: $0, as: UTF8.self)) },
                closed: { continuation.resume(returning: $0) })
            wire.say("one\0two\0")
            wire.transport.send(Array("hello".utf8))
            var buffer = [UInt8](repeating: 0, count: 6)
            #expect(read(wire.reading, &buffer, 6) == 6 && buffer == Array("hello\0".utf8))
            close(wire.writing)
        }
        message.finish()
        #expect(reason == "the browser ended")
        #expect(await messages.reduce(into: []) { $0.append($1) } == ["one", "two"])
        close(wire.reading)
    }

    @Test("A browser that reads nothing blocks nobody; what is waiting arrives whole when it reads again")
    func slowReader() async throws {
        let wire = try Wire()
        wire.transport.start(receive: { _ in }, closed: { _ in })
        let message = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)
        for _ in 0..<8 { wire.transport.send(message) }
        var total = 0
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while total < 8 * (message.count + 1) {
            let count = read(wire.reading, &buffer, buffer.count)
            try #require(count > 0)
            total += count
        }
        #expect(total == 8 * (message.count + 1))
        wire.transport.close()
        close(wire.reading)
        close(wire.writing)
    }

    @Test("An answer that is too large fails its command and nobody else")
    func oversized() async throws {
        let wire = try Wire(limit: 40)
        let connection = CDPConnection(transport: wire.transport)
        let large = Task { try await connection.send("A.large") }
        var buffer = [UInt8](repeating: 0, count: 1024)
        #expect(read(wire.reading, &buffer, buffer.count) > 0)
        wire.say(#"{"method":"A.flood","params":{"x":"\#(String(repeating: "y", count: 100))"}}"# + "\0")
        wire.say(#"{"id":1,"result":{"x":"\#(String(repeating: "y", count: 100))"}}"# + "\0")
        await #expect(
            throws: CDPFailure.remote(method: "A.large", code: -32000, message: "its answer has more than 40 bytes")
        ) { try await large.value }
        let small = Task { try await connection.send("A.small") }
        #expect(read(wire.reading, &buffer, buffer.count) > 0)
        wire.say(#"{"id":2,"result":{"x":1}}"# + "\0")
        #expect(try await small.value["x"] == 1)
        connection.close()
        close(wire.reading)
        close(wire.writing)
    }

    @Test("Too much that waits ends it")
    func bounds() async throws {
        let full = try Wire()
        let said = await withCheckedContinuation { continuation in
            full.transport.start(receive: { _ in }, closed: { continuation.resume(returning: $0) })
            let message = [UInt8](repeating: 1, count: 16 << 20)
            for _ in 0..<9 { full.transport.send(message) }
        }
        #expect(said.hasPrefix("the browser takes no commands"))
        close(full.reading)
        close(full.writing)
    }
}
