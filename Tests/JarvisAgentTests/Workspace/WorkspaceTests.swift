import Foundation
import JarvisCore
import Testing

@testable import JarvisAgent

@Suite struct WorkspaceTests {
    private func withDirectory(_ body: (String) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.path + "/jarvis-workspace-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }

    private func write(_ text: String, _ path: String) throws {
        try text.write(toFile: path, atomically: false, encoding: .utf8)
    }

    @Test func seedsANewWorkspaceOnce() throws {
        try withDirectory { path in
            let workspace = Workspace(directory: path + "/deep/ws", clock: WallClock { 0 })
            let created = try workspace.prepare()
            #expect(created == Workspace.contextNames + ["BOOTSTRAP.md"])
            let mode = try FileManager.default.attributesOfItem(atPath: workspace.directory)[.posixPermissions]
            #expect(mode as? Int == 0o700)
            let fileMode = try FileManager.default.attributesOfItem(atPath: workspace.directory + "/SOUL.md")[
                .posixPermissions]
            #expect(fileMode as? Int == 0o600)
            let state = try JSONParser.parse(
                String(contentsOfFile: workspace.directory + "/.jarvis/workspace-state.json", encoding: .utf8))
            #expect(state["seededAt"] == "1970-01-01T00:00:00.000Z")
            // What was deleted stays deleted.
            try FileManager.default.removeItem(atPath: workspace.directory + "/BOOTSTRAP.md")
            #expect(try workspace.prepare() == [])
            #expect(workspace.contextFiles().map(\.name) == Workspace.contextNames)
        }
    }

    @Test func neverOverwrites() throws {
        try withDirectory { path in
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            try write("mine", path + "/AGENTS.md")
            let created = try Workspace(directory: path).prepare()
            #expect(!created.contains("AGENTS.md"))
            #expect(!created.contains("BOOTSTRAP.md"))
            #expect(try String(contentsOfFile: path + "/AGENTS.md", encoding: .utf8) == "mine")
        }
    }

    @Test func boundsWhatReachesThePrompt() throws {
        try withDirectory { path in
            let workspace = Workspace(directory: path)
            try workspace.prepare()
            try write(String(repeating: "ä", count: 30_000), path + "/AGENTS.md")
            try FileManager.default.removeItem(atPath: path + "/USER.md")
            let files = workspace.contextFiles()
            #expect(files.count == 7)
            #expect(
                files[0].text?.hasSuffix("[cut: AGENTS.md has 30000 characters; read the file for the rest]") == true)
            #expect(files[0].text?.filter { $0 == "ä" }.count == 20_000)
            #expect(files.first { $0.name == "USER.md" }?.text == nil)
            let small = workspace.contextFiles(limit: 100)
            #expect(small[0].text?.filter { $0 == "ä" }.count == 100)
            #expect(small[1].text?.hasPrefix("\n[cut: SOUL.md") == true)
        }
    }

    @Test func templatesAreShort() {
        for (name, text) in WorkspaceTemplates.files { #expect(text.count < 1500, "\(name)") }
    }

    @Test func aFolderThatCannotBeCreatedIsTold() throws {
        try withDirectory { path in
            try write("file", path)
            let error = #expect(throws: JarvisError.self) { try Workspace(directory: path + "/ws").prepare() }
            #expect(error?.code == "workspace.create")
            #expect(error?.hint != nil)
        }
    }
}
