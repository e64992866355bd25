import JarvisCore
import Testing

@testable import JarvisBrowser

@Suite("Parts of a session")
struct SessionPartsTests {
    @Test(arguments: [
        ("", "http://a/b", true), ("a/b", "http://a/b", true), ("http://a/b", "http://a/b", true),
        ("c", "http://a/b", false),
        ("**/b", "http://a/x/b", true), ("**/b", "http://a/x/bc", false), ("http://a/*/b", "http://a/x/b", true),
        ("http://a/*/b", "http://a/x/y/b", false), ("http://a/**/b", "http://a/x/y/b", true), ("*", "ab", true),
        ("*", "a/b", false), ("**", "a/b?c", true), ("**/api?x=*", "http://h/api?x=1", true),
        ("**/api*", "http://h/api", true), ("a*a*a*b", "aaaa", false), ("**/ü*", "http://h/üb", true),
    ])
    func addressPatterns(pattern: String, address: String, fits: Bool) {
        #expect(AddressPattern(pattern).matches(address) == fits)
    }

    @Test func aHostileAddressPatternIsQuick() {
        let pattern = AddressPattern(String(repeating: "*a", count: 200) + "b")
        #expect(!pattern.matches(String(repeating: "a", count: 2000)))
    }

    @Test(arguments: [
        ("report.pdf", "report.pdf"), ("../../etc/passwd", "passwd"), ("..\\..\\x.exe", "x.exe"), ("", "download"),
        ("...", "download"), (".bashrc", "bashrc"), ("a\u{0}b\n.txt", "ab.txt"), ("evil\u{202E}txt.exe", "eviltxt.exe"),
        ("a:b?.txt", "a_b_.txt"), ("  x  ", "x"), ("réport 日本.pdf", "réport 日本.pdf"), ("/", "download"),
    ])
    func downloadNames(suggested: String, name: String) {
        #expect(DownloadName.safe(suggested) == name)
    }

    @Test func longDownloadNamesKeepTheirEnding() {
        let name = DownloadName.safe(String(repeating: "ä", count: 400) + ".tar.gz")
        #expect(name.utf8.count <= DownloadName.longest && name.hasSuffix(".gz"))
        #expect(DownloadName.numbered("a.txt", 1) == "a.txt")
        #expect(DownloadName.numbered("a.txt", 2) == "a (2).txt")
        #expect(DownloadName.numbered("a", 3) == "a (3)")
    }

    @Test func aRingTellsWhatItDropped() {
        var ring = Ring<Int>(limit: 16)
        for number in 1...100 { ring.append(number) }
        #expect(ring.elements.count <= 16)
        #expect(ring.elements.last == 100)
        #expect(ring.dropped + ring.elements.count == 100)
    }

    @Test func tabsAreFoundByPrefix() {
        let ids = ["ABCD", "ABEF", "B123", "B"]
        #expect(TabBook.matches("AB", among: ids) == ["ABCD", "ABEF"])
        #expect(TabBook.matches("abc", among: ids) == ["ABCD"])
        #expect(TabBook.matches("B", among: ids) == ["B"], "the whole id counts more than a prefix")
        #expect(TabBook.matches("", among: ids).isEmpty)
    }

    @Test func dialogsThatNobodyAnswersStopAskingAndThenStop() {
        var plan = DialogPlan()
        func decided(_ kind: String, _ time: Duration) -> DialogPlan.Decision { plan.decide(kind: kind, now: time) }
        #expect(decided("alert", .zero) == .ask)
        plan.armed = DialogPlan.Answer(accepts: true, text: "x", expires: .seconds(5))
        #expect(decided("prompt", .seconds(1)) == .answer(accepts: true, text: "x", because: nil))
        #expect(decided("prompt", .seconds(1)) == .ask, "an answer is for one dialog")
        plan.armed = DialogPlan.Answer(accepts: true, text: nil, expires: .seconds(5))
        #expect(decided("alert", .seconds(6)) == .ask, "an answer that is too old")
        #expect(decided("beforeunload", .zero) == .answer(accepts: true, text: nil, because: nil))
        plan.ignored = DialogPlan.patience
        func isSilenced() -> Bool { plan.mustSilence() }
        for _ in 0..<DialogPlan.silence {
            #expect(!isSilenced())
            #expect(decided("alert", .zero) != .ask)
        }
        #expect(isSilenced())
        #expect(!isSilenced())
    }

    @Test func downloadsAreBoundedAndClaimedOnce() {
        var book = DownloadBook()
        func refusal(_ id: String, _ target: String?, _ name: String) -> String? {
            book.began(id: id, target: target, url: "u", suggested: name)
        }
        for number in 1...DownloadBook.mostAtOnce { #expect(refusal("\(number)", "T", "f\(number)") == nil) }
        #expect(refusal("more", "T", "f") != nil)
        #expect(book.unclaimed(after: 0, of: ["other"]) == nil)
        #expect(book.unclaimed(after: 0, of: ["T"])?.id == "1")
        book.change("1") { $0.isClaimed = true }
        #expect(book.unclaimed(after: 0, of: ["T"])?.id == "2")
        #expect(book.names(after: 3, of: "T").first == "f4")
        for number in 0..<1000 {
            book.change("\(number)") { $0.stage = .failed("x") }
            _ = book.began(id: "n\(number)", target: nil, url: "u", suggested: "f")
            book.change("n\(number)") { $0.stage = .failed("x") }
        }
        #expect(book.entries.count <= DownloadBook.limit)
        #expect(refusal("last", nil, "f") != nil, "not without end")
    }

    @Test func trafficKnowsWhatIsUnderWay() {
        var traffic = Traffic()
        func send(_ method: String, _ id: String, _ more: JSONValue = [:]) {
            var params = more
            params["requestId"] = .string(id)
            traffic.handle("Network.\(method)", params, session: "S", now: 0)
        }
        send("requestWillBeSent", "1", ["request": ["url": "http://a/", "method": "GET"], "type": "Document"])
        let mark = traffic.last
        send("requestWillBeSent", "2", ["request": ["url": "http://a/x", "method": "POST"], "type": "Fetch"])
        send("requestWillBeSent", "3", ["request": ["url": "http://a/ws", "method": "GET"], "type": "EventSource"])
        send("requestWillBeSent", "4", ["request": ["url": "data:text/plain,x", "method": "GET"], "type": "Image"])
        #expect(traffic.isBusy(after: mark))
        send("responseReceived", "2", ["response": ["status": 201, "mimeType": "text/plain"]])
        send("loadingFinished", "2")
        #expect(!traffic.isBusy(after: mark))
        #expect(traffic.waiting() == ["http://a/"])
        send("loadingFailed", "1", ["errorText": "net::ERR_FAILED"])
        #expect(traffic.underWay.isEmpty)
        #expect(traffic.recent.elements.map(\.status) == [nil, 201, nil])
        #expect(traffic.recent.elements.first?.failure == "net::ERR_FAILED")
        for number in 0..<5000 {
            send("requestWillBeSent", "n\(number)", ["request": ["url": "http://a/", "method": "GET"], "type": "XHR"])
        }
        #expect(traffic.underWay.count <= 1000 && traffic.recent.elements.count <= Traffic.limit)
        traffic.sessionEnded("S")
        #expect(traffic.underWay.isEmpty)
    }

    @Test func consoleLinesAreFilledIn() {
        func text(_ values: JSONValue...) -> String {
            ScriptText.console(values.map { ["type": "string", "value": $0] })
        }
        #expect(text("%s is %d%%", "it", 5, "more") == "it is 5% more")
        #expect(text("a", 1, true) == "a 1 true")
        #expect(text("%s") == "%s")
        #expect(text("100%", "x") == "100% x")
        #expect(text("%cred", "color: red") == "red")
        #expect(ScriptText.cut("äöü", 2) == "äö…")
    }

    @Test func aWaitEndsWithItsConditionItsTimeOrItsTask() async {
        let watched = Watched(0)
        async let seen: Int? = watched.wait(.seconds(20)) { $0 >= 3 ? $0 : nil }
        for _ in 1...5 {
            watched.change { $0 += 1 }
            await Task.yield()
        }
        #expect(await seen ?? 0 >= 3)
        #expect(await watched.wait(.milliseconds(5)) { $0 > 99 ? $0 : nil } == nil)
        // unstructured: it is cancelled at once
        let task = Task { await watched.wait(.seconds(20)) { $0 > 99 ? $0 : nil } }
        task.cancel()
        #expect(await task.value == nil)
    }
}
