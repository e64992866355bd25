import Foundation
import Testing

@testable import JarvisGateway

@Suite struct CanvasSnippetTests {
    private func place(_ page: String) -> String {
        let result = String(
            decoding: CanvasSnippet.inject(into: Array(page.utf8), reload: "/ws", version: 3), as: UTF8.self)
        let start = result.range(of: "<script>(")
        return start.map { String(result[..<$0.lowerBound]) } ?? "none"
    }

    @Test(arguments: [
        ("<!doctype html><p>x", "<!doctype html>"),
        ("<!DOCTYPE HTML PUBLIC \"x\"\n>x", "<!DOCTYPE HTML PUBLIC \"x\"\n>"),
        ("\n <!-- a > b --><!doctype html>x", "\n <!-- a > b --><!doctype html>"), ("<p>x", ""), ("", ""),
        ("<!-- unclosed <!doctype html>", ""), ("<!doctype", ""), ("text <!doctype html>", ""),
        ("<html><!doctype html>", ""),
    ])
    func staysBehindTheDoctype(_ page: String, _ before: String) { #expect(place(page) == before) }

    @Test func losesNothingAndClosesOnce() {
        let page = Array("<!doctype html>\u{FEFF}ü</script>".utf8) + [0xFF, 0x00]
        let result = CanvasSnippet.inject(into: page, reload: nil, version: 0)
        #expect(result.suffix(page.count - 15) == page.suffix(page.count - 15))
        let script = String(decoding: result.dropFirst(15).dropLast(page.count - 15), as: UTF8.self)
        #expect(script.components(separatedBy: "</script").count == 2)
        #expect(script.contains("(null, 0)</script>"))
    }
}
