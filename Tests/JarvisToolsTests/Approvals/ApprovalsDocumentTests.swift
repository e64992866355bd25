import Foundation
import JarvisCore
import JarvisKit
import JarvisTestSupport
import Testing

@testable import JarvisTools

@Suite struct ApprovalsDocumentTests {
    private func request(_ pattern: String? = "browser:upload:/a", agent: String = "main") -> ApprovalRequest {
        ApprovalRequest(
            tool: "browser", title: "Do it", text: "browser {}", risk: .outside, allowPattern: pattern,
            fingerprint: "f", agentId: agent, sessionKey: nil)
    }

    private func judge(
        _ assessment: ToolAssessment = ToolAssessment(.outside, "Do it", needsApproval: true),
        setting: AskMode = .onMiss, file: JSONValue = [:], pattern: String? = "browser:upload:/a"
    ) throws -> ToolVerdict {
        ApprovalPolicy.judge(
            assessment, of: request(pattern), setting: setting, document: .success(try ApprovalsDocument(file)))
    }

    private func runs(_ verdict: ToolVerdict) -> Bool { if case .run = verdict { true } else { false } }
    private func refuses(_ verdict: ToolVerdict) -> Bool { if case .refuse = verdict { true } else { false } }

    @Test func readsAreNeverAskedAbout() throws {
        #expect(
            runs(try judge(ToolAssessment(.read, "Look"), setting: .always, file: ["defaults": ["security": "deny"]])))
    }

    @Test func theModes() throws {
        let plain = ToolAssessment(.outside, "Click")
        #expect(try judge() == .ask)
        #expect(runs(try judge(plain)))
        #expect(try judge(plain, setting: .always) == .ask)
        #expect(runs(try judge(setting: .off)))
    }

    @Test func theStricterOfSettingAndFileWins() throws {
        #expect(try judge(setting: .off, file: ["defaults": ["ask": "on-miss"]]) == .ask)
        #expect(try judge(setting: .off, file: ["defaults": ["ask": "always"]]) == .ask)
        #expect(try judge(setting: .onMiss, file: ["defaults": ["ask": "off"]]) == .ask)
        #expect(try judge(setting: .onMiss, file: ["defaults": ["security": "full", "ask": "off"]]) == .ask)
        #expect(refuses(try judge(setting: .off, file: ["defaults": ["security": "deny"]])))
        #expect(refuses(try judge(setting: .off, file: ["defaults": ["security": "allowlist"]])))
        // An agent's own word beats the defaults, in both directions.
        #expect(refuses(try judge(file: ["defaults": ["security": "full"], "agents": ["main": ["security": "deny"]]])))
        #expect(try judge(file: ["defaults": ["security": "deny"], "agents": ["*": ["security": "full"]]]) == .ask)
    }

    @Test func theAllowListIsPerAgent() throws {
        let file: JSONValue = [
            "agents": ["main": ["allowlist": [["id": "1", "pattern": "browser:upload:/a"]]]]
        ]
        #expect(runs(try judge(file: file)))
        #expect(
            runs(
                try judge(
                    setting: .off, file: ["defaults": ["security": "allowlist"], "agents": file["agents"] ?? [:]])))
        #expect(try judge(setting: .always, file: file) == .ask)
        #expect(try judge(file: file, pattern: "browser:upload:/A") == .ask)
        #expect(try judge(file: file, pattern: "browser:upload:/a/b") == .ask)
        #expect(try judge(file: file, pattern: nil) == .ask)
        let other: JSONValue = ["agents": ["work": ["allowlist": [["id": "1", "pattern": "browser:*"]]]]]
        #expect(try judge(file: other) == .ask)
        let all: JSONValue = ["agents": ["*": ["allowlist": [["id": "1", "pattern": "browser:upload:/*"]]]]]
        #expect(runs(try judge(file: all)))
    }

    @Test func aFileThatCannotBeReadAllowsNothing() {
        let broken: Result<ApprovalsDocument, JarvisError> = .failure(JarvisError("approvals.invalid", "broken"))
        let risky = ToolAssessment(.outside, "Do it", needsApproval: true)
        #expect(refuses(ApprovalPolicy.judge(risky, of: request(), setting: .off, document: broken)))
        #expect(
            runs(
                ApprovalPolicy.judge(
                    ToolAssessment(.outside, "Click"), of: request(), setting: .onMiss, document: broken)))
        #expect(refuses(ApprovalPolicy.unanswered(request(), document: broken)))
    }

    @Test func silenceIsNoUnlessTheOwnerWroteOtherwise() throws {
        #expect(refuses(ApprovalPolicy.unanswered(request(), document: .success(.empty))))
        let full = try ApprovalsDocument(["defaults": ["askFallback": "full"]])
        #expect(runs(ApprovalPolicy.unanswered(request(), document: .success(full))))
        let entries: JSONValue = ["main": ["allowlist": [["id": "1", "pattern": "browser:upload:/a"]]]]
        let listed = try ApprovalsDocument(["defaults": ["askFallback": "allowlist"], "agents": entries])
        #expect(runs(ApprovalPolicy.unanswered(request(), document: .success(listed))))
        for other in [request("browser:upload:/b"), request(nil), request(agent: "work")] {
            #expect(refuses(ApprovalPolicy.unanswered(other, document: .success(listed))))
        }
        let denying = try ApprovalsDocument(["defaults": ["askFallback": "full", "security": "deny"]])
        #expect(refuses(ApprovalPolicy.unanswered(request(), document: .success(denying))))
    }

    @Test(arguments: ["*", "**", "br*", "*upload*", "*:upload:/a"])
    func aStarIsNoTool(pattern: String) throws {
        let file: JSONValue = ["agents": ["*": ["allowlist": [["id": "1", "pattern": .string(pattern)]]]]]
        #expect(try judge(file: file) == .ask)
    }

    @Test(
        arguments: [
            [], "text", ["version": 2], ["defaults": []], ["defaults": ["ask": "sometimes"]], ["agents": []],
            ["agents": ["main": 7]], ["agents": ["main": ["security": 1]]], ["agents": ["main": ["allowlist": [:]]]],
            ["agents": ["main": ["allowlist": [["id": "x"]]]]], ["agents": ["main": ["allowlist": [["pattern": ""]]]]],
        ] as [JSONValue])
    func refusesOtherShapes(value: JSONValue) {
        #expect(throws: JarvisError.self) { try ApprovalsDocument(value) }
    }

    @Test func keepsWhatItDoesNotKnow() throws {
        let file: JSONValue = [
            "version": 1, "socket": ["path": "/s", "token": "secret"], "newer": ["x": 1],
            "agents": [
                "main": ["autoAllowSkills": true, "allowlist": [["id": "1", "pattern": "/bin/ls", "note": "mine"]]]
            ],
        ]
        let old = try ApprovalsDocument(file)
        let new = old.adding(pattern: "browser:attach:me", agent: "main", id: "2", usedBy: "browser {}", now: 7)
        #expect(new.json["newer"] == ["x": 1])
        #expect(new.json["agents"]?["main"]?["autoAllowSkills"] == true)
        #expect(new.json["agents"]?["main"]?["allowlist"]?[0]?["note"] == "mine")
        #expect(new.entries.map(\.pattern) == ["/bin/ls", "browser:attach:me"])
        #expect(new.adding(pattern: "browser:attach:me", agent: "main", id: "3") == new)
        #expect(new.removing("2", agent: nil) == old.removing("2", agent: nil))
        #expect(new.removing("browser:attach:me", agent: "other").entries.count == 2)
        #expect(old.shown["socket"] == ["path": "/s"])
        // What a client sends back has no token; the one in the file stays.
        #expect(try ApprovalsDocument(old.shown).keepingSocket(of: old).json["socket"]?["token"] == "secret")
    }

    @Test func theFileIsPrivateAndGuardedByItsHash() throws {
        let directory = FileManager.default.temporaryDirectory.path + "/jarvis-approvals-\(UUID().uuidString)"
        try DurableFile.createDirectory(directory)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let file = ApprovalsFile(path: directory + "/exec-approvals.json")
        #expect(!file.load().exists)
        let first = try file.edit { $0.adding(pattern: "browser:attach:me", agent: "main", id: "1") }
        let mode = try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        #expect(throws: JarvisError.self) { try file.save(.empty, base: nil) }
        let second = try file.save(.empty, base: first.hash)
        #expect(second.hash != first.hash)
        #expect(throws: JarvisError.self) { try file.save(.empty, base: first.hash) }

        try Data(#"{"version":1,"version":1}"#.utf8).write(to: URL(fileURLWithPath: file.path))
        let broken = file.load()
        #expect(throws: JarvisError.self) { try broken.document.get() }
        #expect(throws: JarvisError.self) { try file.edit { $0.adding(pattern: "x:y", agent: "main", id: "1") } }
        #expect(try file.save(.empty, base: broken.hash).exists)
    }
}
