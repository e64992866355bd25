import Foundation
import JarvisCore
import JarvisHost
import Testing

@Suite struct HostEnvironmentTests {
    @Test func readsThisProcess() throws {
        let environment = HostEnvironment.current()
        #expect(environment.userId == geteuid())
        #expect(!environment.hostName.isEmpty)
        #expect(environment.currentDirectory == FileManager.default.currentDirectoryPath)
        #expect(environment.temporaryDirectory.hasPrefix("/"))
        #expect(environment["PATH"] != nil)
        #expect(try environment.home().path.hasPrefix("/"))
        #if os(Linux)
            #expect(environment.accountHome?.hasPrefix("/") == true)
        #endif
    }

    @Test func anEmptyVariableIsUnset() {
        #expect(HostEnvironment(variables: ["A": ""])["A"] == nil)
        #expect(HostEnvironment(variables: ["A": "b"])["A"] == "b")
    }

    @Test func canonicalPathsReachBeyondWhatExists() throws {
        let home = try TemporaryHome()
        try DurableFile.createDirectory("\(home.path)/real")
        try FileManager.default.createSymbolicLink(
            atPath: "\(home.path)/link", withDestinationPath: "\(home.path)/real")
        #expect(HostPath.canonical("\(home.path)/link/a/../b/c") == "\(home.path)/real/b/c")
        #expect(HostPath.canonical("/") == "/")
        #expect(home.tree() == ["link", "real"])
    }
}
