import JarvisConfig
import JarvisCore
import Testing

@Suite struct ConfigBrowserTests {
    @Test func readsTheSection() {
        let browser = load(
            """
            {browser: {headless: true, cdp: "port", remoteCdpTimeoutMs: 4000, snapshotDefaults: {mode: "efficient"},
              ssrfPolicy: {allowPrivateNetwork: true, allowedHostnames: ["a"]},
              profiles: {work: {cdpPort: 9223, color: "ff0000"}, mine: {driver: "existing-session", userDataDir: "~/c"}}}}
            """
        ).config.browser
        #expect(browser.headless && browser.cdp == "port" && browser.remoteCdpHandshakeTimeoutMs == 8000)
        #expect(browser.snapshotsAreEfficient && browser.addresses.allowsPrivateNetwork)
        #expect(browser.profiles.map(\.name) == ["work", "mine"] && browser.profiles[0].cdpPort == 9223)
        let standard = Config.defaults.browser
        #expect(standard.enabled && standard.evaluateEnabled && !standard.addresses.allowsPrivateNetwork)
        #expect(standard.defaultProfile == "jarvis" && standard.remoteCdpHandshakeTimeoutMs == 3000)
    }

    @Test(arguments: [
        (#"{A: {}}"#, "browser.profiles.A", "a-z"),
        (#"{x: {driver: "extension"}}"#, "browser.profiles.x.driver", "existing-session"),
        (#"{x: {driver: "existing-session"}}"#, "browser.profiles.x.driver", "userDataDir or cdpUrl"),
        (#"{x: {cdpUrl: "http://0.0.0.0:9222"}}"#, "browser.profiles.x.cdpUrl", "127.0.0.1"),
        (#"{x: {cdpUrl: "ftp://a"}}"#, "browser.profiles.x.cdpUrl", "http://"),
        (#"{a: {cdpPort: 9}, b: {cdpPort: 9}}"#, "browser.profiles.b.cdpPort", #""a" and "b""#),
        (
            #"{a: {cdpUrl: "http://h:1/x?token=s"}, b: {cdpUrl: "http://u:p@H:1"}}"#, "browser.profiles.b.cdpUrl",
            "shared: true"
        ),
        (#"{a: {userDataDir: "/x"}, b: {userDataDir: "/x"}}"#, "browser.profiles.b.userDataDir", #""a" and "b""#),
    ]) func tellsWhatCanNotBe(_ profiles: String, _ path: String, _ words: String) throws {
        let snapshot = load("{browser: {profiles: \(profiles)}}")
        let error = try #require(snapshot.errors.first)
        #expect(snapshot.errors.count == 1 && error.path == path && error.message.contains(words), "\(error.message)")
        #expect(!messages(snapshot.issues).joined().contains("token=s"))
    }

    @Test func sharedAddressesAndUnknownDefaults() {
        let shared = #"{cdpUrl: "http://h:1", shared: true}"#
        let snapshot = load("{browser: {defaultProfile: \"w\", profiles: {a: \(shared), b: \(shared)}}}")
        #expect(snapshot.errors.isEmpty && snapshot.warnings.map(\.path) == ["browser.defaultProfile"])
    }

    @Test func credentialsOfAddressesAreSecrets() throws {
        let snapshot = load(
            #"{browser: {profiles: {a: {cdpUrl: "wss://h/x?token=abc"}, b: {cdpUrl: "http://127.0.0.1:1"}}}}"#)
        #expect(try snapshot.secret(at: path("browser.profiles.a.cdpUrl")) != nil)
        #expect(try snapshot.value(at: path("browser.profiles.b.cdpUrl")) == "http://127.0.0.1:1")
        #expect(!JSONWriter.string(snapshot.redacted()).contains("abc"))
    }

    @Test func browsersChangeWithoutARestart() throws {
        for key in ["browser", "browser.enabled", "browser.profiles", "browser.profiles.x.cdpPort"] {
            #expect(try ConfigReloadPlan.classify(path(key)) == .hot, "\(key)")
        }
    }
}
