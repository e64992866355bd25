import Testing

@testable import JarvisCLI

@Suite("The page's address")
struct DashboardAddressTests {
    @Test("the token stands in the fragment, escaped; the base path has its slashes")
    func text() {
        #expect(DashboardAddress(port: 1, basePath: "", token: nil).text == "http://127.0.0.1:1/")
        #expect(
            DashboardAddress(port: 1, basePath: "/ui", token: "a b#é").text
                == "http://127.0.0.1:1/ui/#token=a%20b%23%C3%A9")
    }
}
