import JarvisConfig
import JarvisCore
import Testing

@testable import JarvisGateway

@Suite("Who may use browser control")
struct BrowserAccessTests {
    private func shown(_ headers: [(String, String)]) -> [String] {
        BrowserAccess.shown { name in headers.filter { $0.0 == name }.map(\.1) }
    }

    @Test("a secret is found where programs put it")
    func places() {
        #expect(shown([("authorization", "Bearer s3cret")]) == ["s3cret"])
        #expect(shown([("authorization", "bEaReR  s3cret")]) == ["s3cret"])
        #expect(shown([("x-jarvis-password", "s3cret")]) == ["s3cret"])
        #expect(shown([("authorization", "Basic YWRhOnMzOmNyZXQ=")]) == ["s3:cret"])
    }

    @Test(
        "what is no credential shows none",
        arguments: [
            "Bearer", "Bearer ", "Basic", "Basic !!!", "Basic YWRh", "Digest s3cret", "s3cret", "Basic YWRhOg==", "",
        ])
    func nothing(_ value: String) {
        #expect(shown([("authorization", value)]).isEmpty)
    }

    @Test("cookies and foreign headers are not looked at")
    func ambient() {
        #expect(
            shown([("cookie", "token=s3cret"), ("x-token", "s3cret"), ("proxy-authorization", "Bearer s3cret")]) == [])
    }

    @Test("a right secret among wrong ones is enough; none configured lets nobody in")
    func verdicts() {
        let secret = Secret("s3cret")
        #expect(BrowserAccess.check(["wrong", "s3cret"], against: secret) == .accepted)
        #expect(BrowserAccess.check(["wrong"], against: secret) == .mismatch)
        #expect(BrowserAccess.check([], against: secret) == .missing)
        #expect(BrowserAccess.check([""], against: nil) == .notConfigured)
        #expect(BrowserAccess.check([""], against: Secret("")) == .notConfigured)
    }

    @Test(
        "pages of other sites are told from programs",
        arguments: [
            (["https://evil.example"], nil, nil), (["null"], nil, nil), (["http://127.0.0.1:18789"], nil, nil),
            ([], "http://127.0.0.1:18789/", nil), ([], "http://127.0.0.1:18791.evil.example/", nil),
            ([], nil, "cross-site"), ([], nil, "same-site"), (["http://127.0.0.1:18791"], nil, "cross-site"),
        ] as [([String], String?, String?)])
    func foreign(_ origins: [String], _ referer: String?, _ site: String?) {
        #expect(
            BrowserAccess.isForeignPage(
                host: "127.0.0.1:18791", origins: origins, referers: referer.map { [$0] } ?? [],
                fetchSites: site.map { [$0] } ?? []))
    }

    @Test(
        "programs and typed addresses pass",
        arguments: [
            ([], nil, nil), ([], nil, "none"), (["http://127.0.0.1:18791"], "http://127.0.0.1:18791/x", "same-origin"),
        ] as [([String], String?, String?)])
    func own(_ origins: [String], _ referer: String?, _ site: String?) {
        #expect(
            !BrowserAccess.isForeignPage(
                host: "127.0.0.1:18791", origins: origins, referers: referer.map { [$0] } ?? [],
                fetchSites: site.map { [$0] } ?? []))
    }

    @Test("what is said twice counts twice")
    func twice() {
        let host = "127.0.0.1:18791"
        let (own, other) = ("http://127.0.0.1:18791/", "http://evil.example/")
        #expect(BrowserAccess.isForeignPage(host: host, origins: [], referers: [own, other], fetchSites: []))
        #expect(BrowserAccess.isForeignPage(host: host, origins: [], referers: [], fetchSites: ["none", "cross-site"]))
        #expect(
            !BrowserAccess.isForeignPage(host: host, origins: [], referers: [own, own], fetchSites: ["none", "none"]))
    }

    @Test("the control service has a secret in every mode that has one")
    func secrets() {
        let token = Secret("t"), password = Secret("p")
        #expect(SharedSecretAuth(mode: .token, token: token, password: password).controlSecret == token)
        #expect(SharedSecretAuth(mode: .password, token: token, password: password).controlSecret == password)
        #expect(SharedSecretAuth(mode: .none, token: token, password: nil).controlSecret == token)
        #expect(SharedSecretAuth(mode: .trustedProxy, token: nil, password: password).controlSecret == password)
        #expect(SharedSecretAuth(mode: .none, token: nil, password: nil).controlSecret == nil)
    }
}
