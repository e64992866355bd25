import Foundation
import JarvisCore
import JarvisHost
import Testing

@Suite struct InstanceIdentityTests {
    @Test func isMadeOnceAndPrivate() throws {
        let home = try TemporaryHome()
        let state = "\(home.path)/.jarvis"
        #expect(try InstanceIdentity.load(stateDirectory: state) == nil)
        #expect(home.tree().isEmpty)
        let clock = WallClock { 1_700_000_000_123 }
        let made = try InstanceIdentity.loadOrCreate(stateDirectory: state, displayName: "default", clock: clock)
        #expect(made.createdAt == 1_700_000_000_123)
        #expect(try InstanceIdentity.load(stateDirectory: state) == made)
        #expect(try InstanceIdentity.loadOrCreate(stateDirectory: state, displayName: "x") == made)
        #expect(home.mode(".jarvis") == 0o700)
        #expect(home.mode(".jarvis/instance.json") == 0o600)
        #expect(home.tree() == [".jarvis", ".jarvis/instance.json"])
    }

    @Test func racersAgree() async throws {
        let home = try TemporaryHome()
        let state = "\(home.path)/.jarvis"
        let ids = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    try InstanceIdentity.loadOrCreate(stateDirectory: state, displayName: "default").instanceId
                }
            }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(ids.count == 1)
    }

    @Test(arguments: ["", "{", "[]", #"{"instanceId":""}"#, #"{"instanceId":"../../../x"}"#, #"{"instanceId":7}"#])
    func aDamagedFileIsNeverReplaced(content: String) throws {
        let home = try TemporaryHome()
        try home.write(content, to: ".jarvis/instance.json")
        let error = try #require(throws: JarvisError.self) {
            try InstanceIdentity.loadOrCreate(stateDirectory: "\(home.path)/.jarvis", displayName: "default")
        }
        #expect(error.code == "instance.identity" && error.exitCode == 78)
        #expect(try DurableFile.read("\(home.path)/.jarvis/instance.json") == Array(content.utf8))
    }

    @Test func colorsAreStable() {
        let color = InstanceColor.of(instanceId: "0c6e7f6a-0000-4000-8000-000000000001", name: "main")
        #expect(color == InstanceColor.of(instanceId: "0c6e7f6a-0000-4000-8000-000000000001", name: "other"))
        #expect(InstanceColor.of(instanceId: nil, name: "main") == InstanceColor.of(instanceId: nil, name: "main"))
        #expect(color.paint("x", enabled: false) == "x")
        #expect(color.paint("x", enabled: true) == "\u{1B}[38;5;\(color.ansi)mx\u{1B}[0m")
        #expect(
            Set((0..<200).map { InstanceColor.of(instanceId: "id-\($0)", name: "") }).count
                == InstanceColor.palette.count)
    }
}
