import Foundation
import JarvisCore
import JarvisHost
import Testing

@Suite struct RuntimeFileTests {
    private func file(_ instance: Instance) -> RuntimeFile {
        RuntimeFile(
            version: "1.2.3", instanceId: "0c6e7f6a-0000-4000-8000-000000000001", profile: "main",
            configPath: instance.configPath, port: 18789, browserControlPort: 18791,
            controlSocket: instance.paths.controlSocket, startedAt: 1_700_000_000_000)
    }

    @Test func survivesWriteAndRead() throws {
        let home = try TemporaryHome()
        let main = try home.instance("main")
        #expect(RuntimeFile.read(main.paths) == nil)
        #expect(home.tree().isEmpty)
        let written = file(main)
        try written.write(main.paths)
        #expect(RuntimeFile.read(main.paths) == written)
        #expect(home.mode(".jarvis-main/run/gateway.json") == 0o600)
        #expect(home.mode(".jarvis-main/run") == 0o700)
        #expect(RuntimeFile.read(main.paths)?.isWriterAlive == true)
        RuntimeFile.removeOwn(main.paths)
        #expect(RuntimeFile.read(main.paths) == nil)
    }

    @Test func aRecycledPidIsNotTheWriter() throws {
        let home = try TemporaryHome()
        var other = file(try home.instance("main"))
        other.processStartTime = 1
        #if os(Linux)
            #expect(!other.isWriterAlive)
        #endif
    }

    @Test func anotherProcessesFileStays() throws {
        let home = try TemporaryHome()
        let main = try home.instance("main")
        var other = file(main)
        other.pid = 1
        try other.write(main.paths)
        RuntimeFile.removeOwn(main.paths)
        #expect(RuntimeFile.read(main.paths)?.pid == 1)
    }

    @Test(arguments: [
        "", "garbage", "[]", "{}", #"{"pid":-1,"instanceId":"x","port":1}"#,
        #"{"pid":1,"instanceId":"x","port":99999}"#,
        #"{"pid":99999999999,"instanceId":"x","port":1}"#,
    ])
    func damagedContentIsNoFile(content: String) throws {
        let home = try TemporaryHome()
        try home.write(content, to: ".jarvis-main/run/gateway.json")
        #expect(RuntimeFile.read(try home.instance("main").paths) == nil)
    }
}
