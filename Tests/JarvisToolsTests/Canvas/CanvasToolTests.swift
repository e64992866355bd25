import JarvisCore
import JarvisKit
import JarvisTestSupport
import Synchronization
import Testing

@testable import JarvisTools

@Suite struct CanvasToolTests {
    /// Keeps what was asked.
    private final class Asked: Sendable {
        let commands = Mutex<[CanvasCommand]>([])
    }

    private let asked = Asked()

    private func tool(_ answer: CanvasAnswer = CanvasAnswer(json: ["ok": true])) throws -> CanvasTool {
        var environment = ToolEnvironment { _ in nil }
        environment.canvas = { [asked] command in
            asked.commands.withLock { $0.append(command) }
            return answer
        }
        return try #require(CanvasTool(environment: environment))
    }

    @Test func keepsTheContract() async throws {
        let calls: [JSONValue] = [["action": "present", "html": "x"], ["action": "snapshot"], ["action": "eval"]]
        let breaches = await ToolContract.breaches(try tool(), calls: calls)
        #expect(breaches == [])
        #expect(CanvasTool(environment: ToolEnvironment { _ in nil }) == nil)
    }

    @Test func readsWhatIsAsked() async throws {
        let tool = try tool()
        for arguments: JSONValue in [
            [
                "action": "present", "url": "a.html", "html": "<p>", "title": "T",
                "files": [["path": "x.txt", "content": "ü"], ["path": "y", "content": "AAE=", "encoding": "base64"]],
            ],
            ["action": "navigate", "target": "b.html"], ["action": "hide"],
            ["action": "eval", "javaScript": "1", "timeoutMs": 999_999],
            ["action": "snapshot", "outputFormat": "jpg", "maxWidth": 9999, "quality": 0, "delayMs": -5],
        ] {
            #expect(try await !tool.call(arguments, context: ToolContract.context()).isError)
        }
        var picture = CanvasPicture()
        picture.format = "jpeg"
        picture.maxWidth = 4096
        picture.quality = 1
        #expect(
            asked.commands.withLock { $0 } == [
                .present(
                    path: "a.html", html: "<p>",
                    files: [
                        CanvasFile(path: "x.txt", bytes: Array("ü".utf8)), CanvasFile(path: "y", bytes: [0, 1]),
                    ], title: "T"),
                .navigate(path: "b.html"), .hide, .evaluate(javaScript: "1", timeoutMs: 60_000), .snapshot(picture),
            ])
    }

    @Test(
        arguments: [
            ["action": "present", "files": "x"], ["action": "present", "files": [["path": "x"]]],
            ["action": "present", "files": [["path": "x", "content": "?", "encoding": "base64"]]],
            ["action": "present", "files": [["path": "x", "content": "x", "encoding": "x"]]], ["action": "navigate"],
            ["action": "eval"], ["action": "none"], [:],
        ] as [JSONValue])
    func refusesNonsense(_ arguments: JSONValue) async throws {
        let result = try await tool().call(arguments, context: ToolContract.context())
        #expect(result.isError && !result.content.plainText.isEmpty)
        #expect(asked.commands.withLock { $0 }.isEmpty)
    }

    @Test func showsPicturesToWhoSees() async throws {
        let tool = try tool(CanvasAnswer(json: ["ok": true], image: ("AAAA", "image/png")))
        var context = ToolContract.context()
        let blind = try await tool.call(["action": "snapshot"], context: context)
        #expect(!blind.content.contains(.image(data: "AAAA", mimeType: "image/png")))
        context.readsImages = true
        let seeing = try await tool.call(["action": "snapshot"], context: context)
        #expect(seeing.content.contains(.image(data: "AAAA", mimeType: "image/png")))
    }
}
