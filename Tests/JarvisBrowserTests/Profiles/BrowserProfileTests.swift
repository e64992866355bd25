import JarvisBrowser
import JarvisCore
import Testing

@Suite struct BrowserProfileTests {
    private func settings(_ change: (inout BrowserSettings) throws -> Void = { _ in }) throws -> BrowserSettings {
        var settings = BrowserSettings(directories: .init(root: "/state/browser", workspaces: ["/work"]))
        try change(&settings)
        return settings
    }

    private func entry(
        _ name: String, _ change: (inout BrowserSettings.Profile) throws -> Void = { _ in }
    ) throws -> BrowserSettings.Profile {
        var entry = BrowserSettings.Profile(name: name)
        try change(&entry)
        return entry
    }

    @Test func theStandardProfileIsAlwaysThere() throws {
        let all = try settings().resolvedProfiles()
        let only = try #require(all.first)
        #expect(all.count == 1)
        #expect(only.name == "jarvis" && only.isDefault && only.isManaged && !only.opensPort)
        #expect(only.userDataDir == "/state/browser/jarvis/user-data" && only.color == "#FF4500")
        let named = try settings { $0.profiles = [try entry("work"), try entry("jarvis")] }.resolvedProfiles()
        #expect(named.map(\.name) == ["work", "jarvis"])
        #expect(named.map(\.color) == ["#0066CC", "#FF4500"])
    }

    @Test func anEntrySaysMoreThanTheSection() throws {
        let profile = try settings {
            $0.isHeadless = true
            $0.channel = .port
            $0.executablePath = "/a"
            $0.profiles = [
                try entry("x") {
                    $0.headless = false
                    $0.cdp = .pipe
                    $0.executablePath = "/b"
                    $0.userDataDir = "/data"
                }
            ]
        }.resolvedProfiles().last
        #expect(profile?.isHeadless == false && profile?.opensPort == false && profile?.executablePath == "/b")
        #expect(profile?.userDataDir == "/data" && profile?.hasOwnDirectory == true)
    }

    @Test func anAddressOnThisHostIsLaunchedAndOneElsewhereIsNot() throws {
        let profiles = try settings {
            $0.profiles = [
                try entry("near") { $0.cdpUrl = try CDPAddress("http://127.0.0.1:9222") },
                try entry("far") { $0.cdpUrl = try CDPAddress("wss://browser.example/x?token=1") },
                try entry("mine") { $0.driver = .existingSession },
            ]
        }.resolvedProfiles()
        let near = try #require(profiles.first { $0.name == "near" })
        #expect(near.isManaged && !near.isRemote && near.pinnedPort == 9222 && near.opensPort)
        let far = try #require(profiles.first { $0.name == "far" })
        #expect(!far.isManaged && far.isRemote && far.userDataDir.isEmpty && far.pinnedPort == nil)
        #expect(profiles.first { $0.name == "mine" }?.isManaged == false)
    }

    @Test func theOlderSpellingOfTheAddressIsTheStandardProfiles() throws {
        let address = try CDPAddress("http://127.0.0.1:9333")
        let profiles = try settings {
            $0.cdpUrl = address
            $0.profiles = [try entry("other")]
        }.resolvedProfiles()
        #expect(profiles.map(\.pinnedPort) == [9333, nil])
    }

    @Test(arguments: [
        "port", "address", "directory",
    ]) func whatTwoProfilesClaimNeitherGets(_ what: String) throws {
        func make(_ name: String, shared: Bool) throws -> BrowserSettings.Profile {
            try entry(name) {
                switch what {
                case "port": $0.cdpPort = 9999
                case "address": $0.cdpUrl = try CDPAddress("https://browser.example:9222/\(name)")
                default: $0.userDataDir = "/data"
                }
                $0.isShared = shared
            }
        }
        let clashing = try settings { $0.profiles = [try make("a", shared: false), try make("b", shared: false)] }
        let problems = clashing.resolvedProfiles().compactMap(\.problem)
        #expect(problems.count == 2 && problems.allSatisfy { $0.contains("\"a\" and \"b\"") })
        let shared = try settings { $0.profiles = [try make("a", shared: true), try make("b", shared: true)] }
        #expect(shared.resolvedProfiles().allSatisfy { $0.problem == nil })
    }

    @Test func namesAreShortAndPlain() {
        for name in ["a", "0", "work-2", String(repeating: "a", count: 64)] { #expect(BrowserProfile.isName(name)) }
        for name in ["", "-a", "A", "a_b", "a.b", "ä", "a/b", "..", String(repeating: "a", count: 65)] {
            #expect(!BrowserProfile.isName(name))
        }
    }

    @Test func coloursAreNormalAndNew() {
        #expect(BrowserColor.normalized("ff4500") == "#FF4500" && BrowserColor.normalized("#00aa00") == "#00AA00")
        for text in ["", "#12345", "#1234567", "red", "##12345", "#12345g"] {
            #expect(BrowserColor.normalized(text) == nil)
        }
        #expect(BrowserColor.next(used: ["#FF4500"]) == "#0066CC")
        #expect(BrowserColor.palette.contains(BrowserColor.next(used: BrowserColor.palette)))
    }
}

@Suite struct CDPAddressTests {
    @Test func readsWhatConfigurationsSay() throws {
        let plain = try CDPAddress("http://127.0.0.1:9222")
        #expect(plain.isLoopback && plain.port == 9222 && !plain.isWebSocket && plain.shown == "http://127.0.0.1:9222")
        let full = try CDPAddress("wss://me:p%40ss@Browser.Example/devtools?token=abc")
        #expect(full.userInfo == "me:p@ss" && full.port == 443 && full.isTLS && full.isWebSocket && !full.isLoopback)
        #expect(full.target == "/devtools?token=abc" && full.shown == "wss://browser.example:443/devtools")
        #expect(try CDPAddress("ws://[::1]:9222/x").isLoopback)
    }

    @Test func printsNoCredential() throws {
        let address = try CDPAddress("https://me:secret-word@host.example/x?token=secret-word")
        var dumped = ""
        dump(address, to: &dumped)
        #expect(!"\(address) \(address.shown) \(String(reflecting: address)) \(dumped)".contains("secret-word"))
        #expect(address.endpoint == "host.example:443")
    }

    @Test(arguments: [
        "", "127.0.0.1:9222", "ftp://127.0.0.1", "http://0.0.0.0:9222", "http://*:9222", "http://[::]:9222",
        "http://[::ffff:0.0.0.0]:1", "http://a b", "http://127.1:9222", "http://127.0.0.1:99999", "http://a%zz@h",
        "http://evil.com\\@127.0.0.1/", "http://127.0.0.1%00.evil.com/",
    ]) func refusesWhatCanBeReadInTwoWays(_ text: String) {
        #expect(throws: JarvisError.self) { try CDPAddress(text) }
    }
}
