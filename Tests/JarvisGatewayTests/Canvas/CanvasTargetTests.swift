// lint: family names — clients of the family open the canvas under its older prefix.

import Testing

@testable import JarvisGateway

@Suite struct CanvasTargetTests {
    @Test(arguments: [
        ("/__jarvis__/canvas", "", "/__jarvis__/canvas"), ("/__jarvis__/canvas/", "/", "/__jarvis__/canvas"),
        ("/__jarvis__/canvas/a/b.html", "/a/b.html", "/__jarvis__/canvas"),
        ("/__openclaw__/canvas/x", "/x", "/__openclaw__/canvas"),
        ("/__jarvis__/cap/t0ken/x/y", "/x/y", "/__jarvis__/cap/t0ken"),
        ("/__jarvis__/cap/t0ken", "", "/__jarvis__/cap/t0ken"),
        ("/__jarvis__/cap/t0ken/__jarvis__/canvas/x", "/x", "/__jarvis__/cap/t0ken/__jarvis__/canvas"),
        ("/__openclaw__/cap/t0ken/__jarvis__/canvas", "", "/__openclaw__/cap/t0ken/__jarvis__/canvas"),
    ])
    func readsFiles(_ path: String, _ file: String, _ base: String) throws {
        let target = try #require(CanvasTarget(path: path))
        #expect(target.kind == .file(file))
        #expect(target.base == base)
        #expect(target.capability == (path.contains("t0ken") ? "t0ken" : nil))
    }

    @Test(arguments: [
        "/", "/__jarvis__", "/__jarvis__/", "/__jarvis__/canvasx", "/__jarvis__/cap", "/__jarvis__/cap/",
        "/__jarvis/control-ui-config.json", "/__jarvis__/cap/t/__jarvis__/other", "/__jarvis__/cap/t/__openclaw__",
        "/__jarvis__/cap/t/__jarvis__/cap/t/x", "/x/__jarvis__/canvas/",
    ])
    func leavesOthersAlone(_ path: String) { #expect(CanvasTarget(path: path) == nil) }

    @Test func readsTheSocketAndTheQuery() throws {
        #expect(CanvasTarget(path: "/__jarvis__/ws")?.kind == .reload)
        let scoped = try #require(CanvasTarget(path: "/__jarvis__/cap/t/__openclaw__/ws", query: [("oc_cap", "other")]))
        #expect(scoped.kind == .reload && scoped.capability == "t" && !scoped.isInQuery)
        let queried = try #require(CanvasTarget(path: "/__jarvis__/canvas/", query: [("x", "y"), ("oc_cap", "t")]))
        #expect(queried.capability == "t" && queried.isInQuery)
        #expect(queried.reloadPath == "/__jarvis__/cap/t/__jarvis__/ws")
    }

    @Test func escapesForAddresses() {
        #expect(CanvasTarget.escape("/a b/ü\"'<>?#%.html") == "/a%20b/%C3%BC%22%27%3C%3E%3F%23%25.html")
        #expect(
            CanvasTarget.address(capability: "t", path: "/x.html") == "/__jarvis__/cap/t/__jarvis__/canvas/x.html")
    }

    @Test(arguments: [
        ("a.html", "/a.html", ""), ("/a/b", "/a/b", ""), ("/", "/", ""), ("a.html?x=1#y", "/a.html", "?x=1#y"),
        ("/__jarvis__/canvas/a.html", "/a.html", ""), ("http://127.0.0.1:1/__jarvis__/canvas", "/", ""),
        ("https://h/__openclaw__/cap/t/__openclaw__/canvas/a?b", "/a", "?b"),
    ])
    func readsPages(_ text: String, _ file: String, _ suffix: String) throws {
        let page = try CanvasPage(text)
        #expect(page.file == file && page.suffix == suffix)
    }

    @Test(arguments: [
        "https://example.com/", "http://127.0.0.1:1/", "file:///etc/passwd", "javascript:alert(1)", "../x", "a/../../x",
        ".hidden", "a/.b", "a\u{0}b", "a\\b", "a#\u{FC}", "//evil.example/x:y/../..", "data:text/html,x",
    ])
    func refusesOtherPages(_ text: String) { #expect(throws: (any Error).self) { try CanvasPage(text) } }
}
