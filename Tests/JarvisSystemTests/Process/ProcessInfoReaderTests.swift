import Foundation
import JarvisSystem
import Testing

@Suite struct ProcessInfoReaderTests {
    @Test func readsALineWithAHostileName() throws {
        let line =
            "4242 (a) R (b) S 1 4242 4242 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 7 0 987654 1000000 300"
            + " 18446744073709551615\n"
        let info = try #require(ProcessInfoReader.parse(Array(line.utf8), pageSize: 4096))
        #expect(info.pid == 4242)
        #expect(info.command == "a) R (b")
        #expect(info.state == "S" && info.isAlive)
        #expect(info.threads == 7)
        #expect(info.startTime == 987_654)
        #expect(info.residentBytes == 300 * 4096)
    }

    @Test(arguments: ["", "1", "1 (x", "1 (x) S 1 2", "x (y) S " + String(repeating: "1 ", count: 30), ")("])
    func refusesOtherShapes(line: String) {
        #expect(ProcessInfoReader.parse(Array(line.utf8)) == nil)
    }

    #if os(Linux)
        @Test func readsThisProcess() throws {
            let reader = ProcessInfoReader()
            let info = try #require(reader.current())
            #expect(info.pid == getpid() && info.threads > 0 && info.residentBytes > 1 << 20)
            #expect(reader.isAlive(pid: getpid(), startTime: info.startTime))
            #expect(!reader.isAlive(pid: getpid(), startTime: info.startTime + 1))
            #expect(reader.read(pid: 0) == nil && reader.read(pid: -1) == nil && reader.read(pid: .max) == nil)
        }
    #endif
}
