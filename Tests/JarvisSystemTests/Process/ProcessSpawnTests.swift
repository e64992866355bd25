import Testing

@testable import JarvisSystem

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

@Suite("Starting programs")
struct ProcessSpawnTests {
    @Test("Descriptors are handed on as 3, 4 and so on, whatever numbers they have here, and no others")
    func descriptors() throws {
        for swapped in [false, true] {
            var ends: [Int32] = [0, 0]
            try #require(pipe(&ends) == 0)
            var others: [Int32] = [0, 0]
            try #require(pipe(&others) == 0)
            var child = ProcessSpawn(path: "/bin/sh", arguments: ["-c", "echo four >&4; ls /proc/self/fd | wc -l >&4"])
            // The order must not matter: one number may be what another is to become.
            child.moreDescriptors = swapped ? [others[0], ends[1]] : [ends[0], ends[1]]
            let pid = try child.start()
            close(ends[1])
            var text: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 100)
            while case let count = read(ends[0], &buffer, 100), count > 0 { text += buffer[..<count] }
            var status: Int32 = 0
            #expect(waitpid(pid, &status, 0) == pid && status == 0)
            // 0, 1, 2, 3, 4 and the directory that is listed.
            #expect(String(decoding: text, as: UTF8.self).split(whereSeparator: \.isWhitespace) == ["four", "6"])
            for descriptor in [ends[0]] + others { close(descriptor) }
        }
    }

    @Test("More than eight are refused")
    func tooMany() {
        var child = ProcessSpawn(path: "/bin/true")
        child.moreDescriptors = Array(repeating: 0, count: 9)
        #expect(throws: (any Error).self) { try child.start() }
    }
}
