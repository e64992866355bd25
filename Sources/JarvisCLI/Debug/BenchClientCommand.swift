import ArgumentParser
import JarvisCore
import JarvisNet
import JarvisProtocol
import NIOCore
import NIOPosix

/// `jarvis debug bench-client`: a load generator for the gateway and its peer.
struct BenchClientCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench-client",
        abstract: "Load a gateway, or with echo the bare peer, and print what was measured as one JSON line.",
        discussion: """
            Example:
              jarvis debug bench-client --url ws://127.0.0.1:9002/ --mode echo --clients 64
            """)

    enum Mode: String, ExpressibleByArgument, CaseIterable { case rpc, echo, idle, broadcast }

    @Option(help: "The WebSocket URL.")
    var url: String

    @Option(help: "The gateway's token; without it there is no handshake of the gateway's protocol.")
    var token: String?

    @Option(help: "rpc, echo, idle or broadcast.")
    var mode: Mode

    @Option(help: "How many connections.")
    var clients: Int = 64

    @Option(help: "How long to measure, after a warm-up of one second.")
    var seconds: Int = 5

    @Option(help: "How many events with --mode broadcast.")
    var rounds: Int = 20

    @Option(help: "The method with --mode rpc.")
    var method: String = "health"

    mutating func validate() throws {
        guard (1...100_000).contains(clients), (1...3600).contains(seconds), (1...100_000).contains(rounds) else {
            throw ValidationError("--clients must be 1 to 100000, --seconds 1 to 3600, --rounds 1 to 100000.")
        }
    }

    func run() async throws {
        let started = ContinuousClock.now
        let connections = try await connectAll(clients)
        let result: JSONValue
        switch mode {
        case .idle:
            Self.show([
                "clients": JSONValue(clients), "connectSeconds": .double((.now - started) / .seconds(1)),
            ])
            _ = try Terminal.readStandardInput()
            return
        case .rpc:
            let request = RequestFrame(id: "r", method: method).bytes
            result = try await roundTrips(connections, message: request)
        case .echo:
            result = try await roundTrips(connections, message: Array(repeating: UInt8(ascii: "e"), count: 300))
        case .broadcast: result = try await broadcasts(connections)
        }
        Self.show(result)
        for connection in connections { connection.close() }
        // A moment for the close frames: a connection that is torn down would be counted as a failure over there.
        try await Task.sleep(for: .milliseconds(200))
    }

    private static func show(_ value: JSONValue) { Terminal.write(JSONWriter.string(value) + "\n") }

    /// At most 8 handshakes at a time: the server bounds sockets that have not proved themselves.
    private func connectAll(_ count: Int) async throws -> [BenchConnection] {
        try await withThrowingTaskGroup(of: BenchConnection.self) { group in
            var made: [BenchConnection] = []
            var begun = 0
            while made.count < count {
                while begun < count, begun - made.count < 8 {
                    begun += 1
                    group.addTask { try await BenchConnection.open(url, token: token) }
                }
                if let connection = try await group.next() { made.append(connection) }
            }
            return made
        }
    }

    private func roundTrips(_ connections: [BenchConnection], message: [UInt8]) async throws -> JSONValue {
        for connection in connections { connection.startRoundTrips(message, onlyAnswers: mode == .rpc) }
        try await Task.sleep(for: .seconds(1))
        for connection in connections { connection.beginMeasuring() }
        let begun = ContinuousClock.now
        try await Task.sleep(for: .seconds(seconds))
        let elapsed = (ContinuousClock.now - begun) / .seconds(1)
        var latencies: [UInt32] = []
        for connection in connections { latencies += try connection.endMeasuring() }
        latencies.sort()
        func percentile(_ part: Double) -> JSONValue {
            latencies.isEmpty
                ? .null : JSONValue(Int(latencies[min(latencies.count - 1, Int(Double(latencies.count) * part))]))
        }
        return [
            "clients": JSONValue(clients), "seconds": .double(elapsed), "roundTrips": JSONValue(latencies.count),
            "perSecond": .double(Double(latencies.count) / elapsed), "p50Micros": percentile(0.5),
            "p99Micros": percentile(0.99),
        ]
    }

    private func broadcasts(_ connections: [BenchConnection]) async throws -> JSONValue {
        let sender = try await BenchConnection.open(url, token: token)
        var times: [JSONValue] = []
        for round in 0..<rounds {
            let mark = token == nil ? "broadcast" : "bench-round-\(round)-\(Identifiers.randomHex(bytes: 4))"
            for connection in connections { connection.expect(mark) }
            let begun = NIODeadline.now()
            sender.send(
                token == nil
                    ? Array(mark.utf8)
                    : RequestFrame(
                        id: "b", method: "chat.inject", params: ["sessionKey": "bench", "message": .string(mark)]
                    ).bytes)
            var last = begun
            for connection in connections { last = max(last, try await connection.arrival()) }
            times.append(.double(Double((last - begun).nanoseconds) / 1_000_000))
            try await Task.sleep(for: .milliseconds(20))
        }
        return ["clients": JSONValue(clients), "rounds": JSONValue(rounds), "lastDeliveryMs": .array(times)]
    }
}
