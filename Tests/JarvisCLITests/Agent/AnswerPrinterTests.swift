import Synchronization
import Testing

@testable import JarvisCLI

@Suite("An answer that grows")
struct AnswerPrinterTests {
    private final class Page: Sendable {
        let text = Mutex("")
        func write(_ piece: String) { text.withLock { $0 += piece } }
    }

    @Test("only what is new is printed; another beginning starts a line; the end has a line break")
    func growing() {
        let page = Page()
        let printer = AnswerPrinter { page.write($0) }
        for text in ["He", "Hello", "Hello", "Hello e", "Hello e\u{301}"] { printer.update(text) }
        #expect(page.text.withLock { $0 } == "Hello é")
        printer.update("Other")
        printer.finish("Other words")
        #expect(page.text.withLock { $0 } == "Hello é\nOther words\n")
    }

    @Test("control characters don't reach the terminal")
    func control() {
        let page = Page()
        AnswerPrinter { page.write($0) }.finish("a\u{1B}]0;x\u{7}b\tc\n")
        #expect(page.text.withLock { $0 } == "a]0;xb\tc\n")
    }
}
