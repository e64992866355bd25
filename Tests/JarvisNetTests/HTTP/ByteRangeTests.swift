import Testing

@testable import JarvisNet

@Suite("Byte ranges")
struct ByteRangeTests {
    @Test(
        "One range of bytes is read, at most to the end",
        arguments: [
            ("bytes=0-0", 0..<1), ("bytes=0-", 0..<100), ("BYTES=10-19", 10..<20), ("bytes=90-1000", 90..<100),
            ("bytes=-1", 99..<100), ("bytes=-100", 0..<100), ("bytes=-5000", 0..<100), ("bytes= 5 - 6 ", 5..<7),
            ("bytes=99-99999999999999999999999", 99..<100), ("bytes=-99999999999999999999999", 0..<100),
        ])
    func reads(field: String, expected: Range<Int>) {
        #expect(ByteRange([field], size: 100) == .part(expected))
    }

    @Test(
        "What is beyond the end is not there",
        arguments: ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999999-"])
    func isUnsatisfiable(field: String) {
        #expect(ByteRange([field], size: 100) == .unsatisfiable)
        #expect(ByteRange(["bytes=0-"], size: 0) == .unsatisfiable)
    }

    @Test(
        "Everything else is answered with the whole",
        arguments: [
            [], ["bytes=0-1", "bytes=3-4"], ["bytes=0-1,3-4"], ["bytes=5-4"], ["bytes="], ["bytes=-"], ["bytes=--1"],
            ["bytes=a-b"], ["bytes=0x0-1"], ["bytes=+1-2"], ["bytes 0-1"], ["items=0-1"], ["0-1"], ["bytes=1"], [""],
            ["bytes=\u{661}-\u{662}"],
        ])
    func ignores(fields: [String]) {
        #expect(ByteRange(fields, size: 100) == .whole)
    }

    @Test("An empty file has no last bytes, and is given whole")
    func empty() { #expect(ByteRange(["bytes=-5"], size: 0) == .whole) }

    @Test("Conditions are read by entity tag")
    func conditions() {
        let tag = "\"abc\""
        for fields in [[tag], ["W/\"abc\""], ["\"x\", \"abc\""], ["\"x\"", "W/\"y\" , W/\"abc\""], ["*"]] {
            #expect(EntityTag.isNamed(tag, in: fields))
        }
        for fields in [[], ["\"ab\""], ["abc"], [""]] { #expect(!EntityTag.isNamed(tag, in: fields)) }
        #expect(EntityTag.allowsRange(tag, ifRange: []) && EntityTag.allowsRange(tag, ifRange: [tag]))
        for fields in [["\"x\""], ["W/\"abc\""], ["Sat, 22 Nov 2026 10:00:00 GMT"], [tag, tag], ["*"]] {
            #expect(!EntityTag.allowsRange(tag, ifRange: fields))
        }
    }
}
