import Testing

@testable import JarvisSystem

@Suite("The kernel's table of sockets")
struct TCPTableTests {
    private func socket(_ local: String, _ remote: String = "00000000:0000", _ state: String = "0A") -> TCPSocket? {
        TCPSocket(
            row:
                "   1: \(local) \(remote) \(state) 00000000:00000000 00:00000000 00000000  1000        0 4242 1 0 100 0"
        )
    }

    @Test("Rows of both families are read")
    func rows() throws {
        let v4 = try #require(socket("0100007F:1F90"))
        #expect(v4.localAddress == [127, 0, 0, 1] && v4.localPort == 8080 && v4.isListening && v4.inode == 4242)
        #expect(v4.userId == 1000 && v4.takesLoopbackV4 && !v4.takesLoopbackV6)
        let v6 = try #require(socket("00000000000000000000000001000000:0050"))
        #expect(v6.localAddress == Array(repeating: 0, count: 15) + [1] && v6.takesLoopbackV6 && !v6.takesLoopbackV4)
        let any = try #require(socket("00000000000000000000000000000000:0050"))
        #expect(any.takesLoopbackV4 && any.takesLoopbackV6)
        let mapped = try #require(socket("0000000000000000FFFF00000100007F:0050"))
        #expect(TCPSocket.plain(mapped.localAddress) == [127, 0, 0, 1] && mapped.takesLoopbackV4)
        let other = try #require(socket("0500A8C0:0050", "0100007F:0001", "01"))
        #expect(!other.takesLoopbackV4 && !other.isListening && other.remotePort == 1)
    }

    @Test(
        "Other shapes are no rows",
        arguments: ["", "sl local_address", "1: 0100007F 0 0A", "1: xx:1 00:0 0A 0 0 0 0 0 0"])
    func nonsense(_ row: String) { #expect(TCPSocket(row: row) == nil) }
}
