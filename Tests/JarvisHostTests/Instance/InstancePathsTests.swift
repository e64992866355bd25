import JarvisHost
import Testing

@Suite struct InstancePathsTests {
    @Test func controlSocketMovesWhenItsPathIsLong() throws {
        func socket(_ home: String, _ variables: [String: String] = [:]) throws -> String {
            let all = ["HOME": home].merging(variables) { _, new in new }
            return try InstanceResolver.resolve(
                selection: ProfileSelection(flag: "rescue"),
                environment: HostEnvironment(variables: all, userId: 1000)
            ).paths.controlSocket
        }
        #expect(try socket("/home/u") == "/home/u/.jarvis-rescue/run/control.sock")
        let long = "/" + String(repeating: "d", count: 100)
        let moved = try socket(long)
        #expect(moved.hasPrefix("/tmp/jarvis-1000/") && moved.hasSuffix(".sock") && moved.utf8.count <= 100)
        #expect(try socket(long) == moved)
        #expect(try socket(long + "2") != moved)
        #expect(try socket(long, ["XDG_RUNTIME_DIR": "/run/user/1000"]).hasPrefix("/run/user/1000/jarvis/"))
        #expect(try socket(long, ["XDG_RUNTIME_DIR": long]).hasPrefix("/tmp/jarvis-1000/"))
        #expect(try socket(long, ["XDG_RUNTIME_DIR": "relative"]).hasPrefix("/tmp/jarvis-1000/"))
    }

    @Test(arguments: ["main", "A_b-9", String(repeating: "a", count: 64)])
    func plainIdsAreFileNames(id: String) { #expect(InstancePaths.fileName(id) == id) }

    @Test(arguments: [
        "", "..", "../../etc/passwd", "a/b", "a b", "a\u{0}b", "ü", ".", String(repeating: "a", count: 65), "~",
    ])
    func otherIdsAreHashed(id: String) {
        let name = InstancePaths.fileName(id)
        #expect(name.utf8.count == 32 && name.allSatisfy(\.isHexDigit))
    }
}
