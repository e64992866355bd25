import Testing

@testable import JarvisBrowser

@Suite struct BrowserRouteTests {
    @Test func noTwoRoutesHaveTheSameAddress() {
        let addresses = BrowserRoutes.all.map { "\($0.method) \($0.path)" }
        #expect(Set(addresses).count == addresses.count)
    }
}
