import JarvisCore
import JarvisSystem

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Asks a gateway over its control socket and believes the answer only with proof.
///
/// Plain system calls with a deadline, so that a table of a hundred instances needs no event loop. All calls block: keep
/// them off the cooperative pool.
package enum ControlSocket {
    /// The path of the gateway's own description.
    package static let instancePath = "/__jarvis__/instance"
    /// The most bytes of an answer that are read.
    package static let longestAnswer = 1 << 20

    /// Challenges the gateway of `instance`; see `ask(_:path:timeout:)` for a target.
    package static func ask(
        _ instance: Instance, path: String = instancePath, timeout: Duration = .seconds(2)
    ) throws(JarvisError) -> AttestedGateway {
        try ask(instance.controlTarget, path: path, timeout: timeout)
    }

    /// Challenges the gateway of a sibling; see `ask(_:path:timeout:)` for a target.
    package static func ask(
        _ sibling: SiblingInstance, environment: HostEnvironment, path: String = instancePath,
        timeout: Duration = .seconds(2)
    ) throws(JarvisError) -> AttestedGateway {
        try ask(sibling.controlTarget(environment), path: path, timeout: timeout)
    }

    /// Challenges the gateway of `target` and returns what it says of itself. The peer of the socket must run as the
    /// owner of the state directory, say the id that `instance.json` holds, and hold the lock.
    ///
    /// - Parameter timeout: for everything together. A stopped or stuck gateway costs no more than this.
    /// - Throws: exit 1: `gateway.not_running` (nobody holds the lock), `gateway.unreachable` (no socket),
    ///   `gateway.not_answering` (deadline, or no sense in the answer), `owner.unproven` (somebody else answers);
    ///   `instance.identity`, exit 78.
    package static func ask(
        _ target: ControlTarget, path: String = instancePath, timeout: Duration = .seconds(2)
    ) throws(JarvisError) -> AttestedGateway {
        guard StateDirectoryLock.isHolderAlive(stateDirectory: target.stateDirectory) else {
            throw JarvisError(
                "gateway.not_running", "The gateway \"\(target.displayName)\" is not running.",
                hint: "Start it with: \(target.command) gateway", metadata: ["stateDirectory": target.stateDirectory])
        }
        let answer: (peer: PeerCredentials, document: JSONValue)
        do {
            answer = try exchange(target.socket, path: path, deadline: .now + timeout)
        } catch {
            throw refusal(error, target, timeout)
        }
        let proof = try OwnerProof.verify(
            peerUid: answer.peer.uid, peerPid: answer.peer.pid,
            saidInstanceId: answer.document["instanceId"]?.stringValue ?? "", target: target,
            expectedUid: expectedUser(answer.peer, target.stateDirectory))
        guard let gateway = AttestedGateway(proof: proof, document: answer.document) else {
            throw refusal(.nonsense, target, timeout)
        }
        return gateway
    }

    private enum Trouble: Error {
        case unreachable(Int32)
        case late
        case nonsense
        case status(Int)
    }

    private static func refusal(_ trouble: Trouble, _ target: ControlTarget, _ timeout: Duration) -> JarvisError {
        let name = "The gateway \"\(target.displayName)\" holds its state directory"
        let hint = "Look at its log: \(target.command) logs"
        switch trouble {
        case .unreachable(let number):
            return JarvisError(
                "gateway.unreachable",
                "\(name), but its control socket \(target.socket) can't be reached: \(SystemCallError.text(number)).",
                hint: hint)
        case .late:
            return JarvisError(
                "gateway.not_answering", "\(name), but does not answer within \(timeout).", hint: hint)
        case .nonsense:
            return JarvisError("gateway.not_answering", "\(name), but its answer makes no sense.", hint: hint)
        case .status(let code):
            return JarvisError(
                "gateway.not_answering", "\(name), but answers with HTTP status \(code).",
                hint: "It may be another version: \(target.command) status")
        }
    }

    /// The user that must answer: this one. To root also the owner of the state directory: root may look at anybody's
    /// gateway, and may itself serve a directory of another user, as containers with mounted volumes do.
    private static func expectedUser(_ peer: PeerCredentials, _ stateDirectory: String) -> UInt32 {
        var status = stat()
        guard geteuid() == 0, peer.uid != 0, stat(stateDirectory, &status) == 0 else { return geteuid() }
        return status.st_uid
    }

    // MARK: One request

    private static func exchange(
        _ path: String, path target: String, deadline: ContinuousClock.Instant
    ) throws(Trouble) -> (PeerCredentials, JSONValue) {
        let descriptor = try connect(path, deadline: deadline)
        defer { close(descriptor) }
        guard let peer = PeerCredentials.of(descriptor) else { throw .unreachable(errno) }
        let request = "GET \(target) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        try send(Array(request.utf8), descriptor, deadline)
        let body = try receive(descriptor, deadline)
        let document = try? JSONParser.parse(String(decoding: body, as: UTF8.self))  // told as nonsense
        guard let document else { throw .nonsense }
        return (peer, document)
    }

    private static func connect(_ path: String, deadline: ContinuousClock.Instant) throws(Trouble) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { throw .unreachable(ENAMETOOLONG) }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        #if os(Linux)
            let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        #else
            let descriptor = socket(AF_UNIX, SOCK_STREAM, 0)
        #endif
        guard descriptor >= 0 else { throw .unreachable(errno) }
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        while true {
            let result = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connectCall(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            if result == 0 || errno == EISCONN { return descriptor }
            let number = errno
            // A full queue of a gateway that accepts nothing is answered with EAGAIN, and the socket never turns ready.
            guard number == EAGAIN || number == EINTR else {
                close(descriptor)
                throw .unreachable(number)
            }
            guard ContinuousClock.now < deadline else {
                close(descriptor)
                throw .late
            }
            usleep(10_000)
        }
    }

    private static func connectCall(
        _ descriptor: Int32, _ address: UnsafePointer<sockaddr>, _ length: socklen_t
    ) -> Int32 {
        #if canImport(Glibc)
            Glibc.connect(descriptor, address, length)
        #elseif canImport(Musl)
            Musl.connect(descriptor, address, length)
        #else
            Darwin.connect(descriptor, address, length)
        #endif
    }

    private static func send(_ bytes: [UInt8], _ descriptor: Int32, _ deadline: ContinuousClock.Instant) throws(Trouble)
    {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                sent += count
            } else if errno == EAGAIN || errno == EINTR {
                try wait(descriptor, Int16(POLLOUT), deadline)
            } else {
                throw .unreachable(errno)
            }
        }
    }

    /// The body of the answer.
    private static func receive(_ descriptor: Int32, _ deadline: ContinuousClock.Instant) throws(Trouble) -> [UInt8] {
        var answer: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while answer.count <= longestAnswer {
            if let body = try body(of: answer, isComplete: false) { return body }
            try wait(descriptor, Int16(POLLIN), deadline)
            let count = chunk.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                answer.append(contentsOf: chunk[..<count])
            } else if count == 0 {
                guard let body = try body(of: answer, isComplete: true) else { throw .nonsense }
                return body
            } else if errno != EAGAIN, errno != EINTR {
                throw .unreachable(errno)
            }
        }
        throw .nonsense
    }

    /// The body of an HTTP/1.1 answer with `Content-Length`; nil while bytes are missing.
    private static func body(of answer: [UInt8], isComplete: Bool) throws(Trouble) -> [UInt8]? {
        let blank: [UInt8] = Array("\r\n\r\n".utf8)
        guard let end = answer.firstRange(of: blank) else { return nil }
        let head = String(decoding: answer[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
        let words = head.first?.split(separator: " ") ?? []
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else { throw .nonsense }
        guard status == 200 else { throw .status(status) }
        let length = head.dropFirst().lazy.compactMap { line -> Int? in
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, parts[0].lowercased() == "content-length" else { return nil }
            return Int(parts[1].filter { $0 != " " })
        }.first
        let body = answer[end.upperBound...]
        guard let length else { return isComplete ? Array(body) : nil }
        guard length >= 0, length <= longestAnswer else { throw .nonsense }
        return body.count >= length ? Array(body.prefix(length)) : nil
    }

    private static func wait(
        _ descriptor: Int32, _ events: Int16, _ deadline: ContinuousClock.Instant
    ) throws(Trouble) {
        while true {
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero else { throw .late }
            var entry = pollfd(fd: descriptor, events: events, revents: 0)
            let milliseconds = Int32(clamping: Int64((left / .milliseconds(1)).rounded(.up)))
            let count = poll(&entry, 1, milliseconds)
            if count > 0 { return }
            if count < 0, errno != EINTR { throw .unreachable(errno) }
        }
    }
}
