import JarvisCore
import Testing

@testable import JarvisBrowser

@Suite struct SnapshotOptionsTests {
    private func options(_ query: [String: String]) throws -> SnapshotOptions {
        try SnapshotOptions(ArgumentReader { query[$0].map { JSONValue.string($0) } })
    }

    @Test func defaultsAndEfficientMode() throws {
        let usual = try options([:])
        #expect(usual.format == .ai && usual.refs == .role && usual.maxChars == 80_000 && usual.depth == nil)
        let efficient = try options(["mode": "efficient"])
        #expect(efficient.isInteractive && efficient.isCompact && efficient.depth == 6 && efficient.maxChars == 10_000)
        let mixed = try options(["mode": "efficient", "interactive": "0", "depth": "9", "maxChars": "500"])
        #expect(!mixed.isInteractive && mixed.depth == 9 && mixed.maxChars == 500)
        #expect(try options(["maxChars": "0"]).maxChars == SnapshotOptions.mostChars)
    }

    @Test(arguments: [
        (["format": "aria", "labels": "1"], "labels"), (["format": "aria", "mode": "efficient"], "mode"),
        (["format": "html"], "ai, aria"), (["refs": "css"], "role, aria"), (["mode": "fast"], "efficient"),
        (["depth": "-1"], "depth"), (["depth": "two"], "depth"), (["limit": "0"], "limit"),
        (["interactive": "perhaps"], "interactive"), (["maxChars": "lots"], "maxChars"),
    ])
    func whatMakesNoSenseIsRefused(query: [String: String], word: String) {
        let error = #expect(throws: BrowserError.self) { try options(query) }
        #expect(error?.status == 400)
        #expect(error?.message.contains(word) == true)
    }
}
