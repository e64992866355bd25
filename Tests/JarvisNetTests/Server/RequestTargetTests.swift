import Testing

@testable import JarvisNet

@Suite struct RequestTargetTests {
    @Test(arguments: [
        ("/", "/"), ("/a/b", "/a/b"), ("/a/b/", "/a/b/"), ("//a///b", "/a/b"), ("/a/./b", "/a/b"), ("/a/../b", "/b"),
        ("/../../b", "/b"), ("/a/..", "/"), ("/a/.", "/a/"), ("/a/%2e%2e/b", "/b"), ("/a%2Fb", "/a/b"),
        ("/a%2f%2e%2e%2fb", "/b"), ("/%252e", "/%2e"), ("/a;x=1", "/a;x=1"), ("/%C3%A9", "/é"), ("/A", "/A"),
        ("/a?x#".replacing("#", with: ""), "/a"),
    ])
    func normalises(_ target: String, _ path: String) { #expect(RequestTarget(target)?.path == path) }

    @Test(arguments: [
        "", "a", "*", "/%", "/%4", "/%zz", "/%00", "/a%0d", "/%ff", "/a\\b", "/%5c", "/a#b", "/ a", "/?%0",
    ])
    func refuses(_ target: String) { #expect(RequestTarget(target) == nil) }

    @Test func readsTheQuery() {
        let query = RequestTarget("/p?a=1&b=x%20y&c&d=+&=e&a=2&&f=g=h")?.query
        #expect(query?.map { $0.name + "=" + $0.value } == ["a=1", "b=x y", "c=", "d= ", "=e", "a=2", "f=g=h"])
    }
}
