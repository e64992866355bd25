import JarvisNet
import NIOCore
import Synchronization
import Testing

@testable import JarvisBrowser

/// A policy whose names are looked up in a table, on a host with the addresses 192.168.7.7 and 5.6.7.8.
private func policy(_ names: [String: [String]] = [:], asked: Asked = Asked()) -> NavigationPolicy {
    var policy = NavigationPolicy()
    policy.resolver = Resolver { host, port in
        asked.names.withLock { $0.append(host) }
        guard let found = names[host] else { throw HTTPClientError(.connect, "can't find the address of \(host)") }
        return try found.map { try SocketAddress(ipAddress: $0, port: port) }
    }
    policy.hostAddresses = { [.v4(0xC0A8_0707), .v4(0x0506_0708)] }
    policy.deniedPorts = { [20789, 20791] }
    return policy
}

private final class Asked: Sendable {
    let names = Mutex<[String]>([])
    var isEmpty: Bool { names.withLock(\.isEmpty) }
}

private func refusal(_ url: String, _ policy: NavigationPolicy = policy()) async -> BrowserError? {
    do {
        try await policy.check(url)
        return nil
    } catch {
        return error as? BrowserError
    }
}

@Suite("Navigation policy")
struct NavigationPolicyTests {
    /// This host and private networks, as browsers and resolvers take them.
    static let inside: [String] = [
        "127.0.0.1", "127.0.0.2", "127.255.255.254", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1",
        "0x7F.0.0.1",
        "017700000001", "0177.0.0.1", "0177.1", "00000177.0.0.1", "127.0.0.01", "0x7f.0x0.0x0.0x1", "127.0.0.1.",
        "127.1.",
        "localhost", "LOCALHOST", "LocalHost", "localhost.", "foo.localhost", "a.b.localhost", "0.0.0.0", "0", "0.0",
        "0x0",
        "00.0.0.0", "%31%32%37.0.0.1", "127%2e0%2e0%2e1", "127。0。0。1", "①②⑦.⓪.⓪.①", "１２７.０.０.１", "ｌｏｃａｌｈｏｓｔ",
        "loc\u{AD}alhost", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[0000:0000:0000:0000:0000:0000:0000:0001]",
        "[::0001]",
        "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::FFFF:7F00:0001]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::127.0.0.1]",
        "[::7f00:1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]",
        "[2002:7f00:0001::1]",
        "[2001:0:0:0:0:0:80ff:fffe]", "[2001:db8::5efe:7f00:1]", "[2606:4700::5efe:127.0.0.1]",
        "[2606:4700::200:5efe:7f00:1]",
        "[::1%25lo]", "[::1%lo]", "[fe80::1]", "[fe80::1%25eth0]", "[febf::1]", "[fec0::1]", "[fc00::1]",
        "[fd12:3456::1]",
        "[ff02::1]", "[100::1]", "[3fff::1]", "[2001:10::1]", "[2001:20::1]", "10.0.0.1", "10.255.255.255",
        "172.16.0.1",
        "172.31.255.255", "192.168.0.1", "192.168.255.255", "169.254.169.254", "169.254.0.1", "100.64.0.1",
        "100.127.255.255",
        "192.0.0.1", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255", "240.0.0.1", "255.255.255.255", "256.256.256.256", "1.2.3", "1.2.3.4.5", "0x", "1.0x",
        // This host's own addresses.
        "192.168.7.7", "5.6.7.8", "[::ffff:5.6.7.8]", "[::ffff:192.168.7.7]",
    ]

    @Test("Every spelling of an inner address is refused, before a name server is asked", arguments: inside)
    func refusesInner(host: String) async {
        let asked = Asked()
        let refusal = await refusal("http://\(host)/", policy(asked: asked))
        #expect(refusal?.status == 400, "\(host)")
        #expect(["blocked_url", "invalid_url"].contains(refusal?.code), "\(host): \(refusal?.code ?? "allowed")")
        #expect(asked.isEmpty, "\(host) was looked up")
    }

    /// Texts that two parsers read differently, or that no browser is sent to.
    static let odd: [String] = [
        "http://127.0.0.1%00.evil.example/", "http://evil.example\\@127.0.0.1/", "http://evil.example\\.127.0.0.1/",
        "http://evil.example@127.0.0.1/", "http://user:secret@example.com/", "http://@127.0.0.1/",
        "http://:@example.com/",
        "http:///127.0.0.1/", "http:/127.0.0.1/", "http:127.0.0.1", "http:\\\\127.0.0.1\\", "http://", "http://?",
        "http://#",
        "http:// example.com/", "http://exa mple.com/", "http://example.com:0/", "http://example.com:65536/",
        "http://example.com:99999999999/", "http://example.com:80:80/", "http://example.com:/",
        "http://example.com:8o/",
        "http://example.com./", "http://.example.com/", "http://exam..ple.com/", "http://-a.example/",
        "http://a-.example/",
        "http://example.com\u{0}/", "http://exa\tmple.com/", "http://exam\nple.com/", "http://[::1/", "http://::1/",
        "http://[::1]x/",
        "http://[1.2.3.4]/", "http://[]/", "http://ex*mple.com/", "http://<example>/", "http://a,b/",
        "http://straße.example/",
        "http://Ａ.example/", "http://faß.example:80/", "example.com", "localhost:3000", "example.com:8080/x",
        "//example.com/",
        "/etc/passwd", "", "   ", "http", ":", "://x", "1http://x",
    ]

    @Test("Addresses that are not plain are refused as malformed", arguments: odd)
    func refusesOdd(url: String) async throws {
        let asked = Asked()
        let refusal = try #require(await refusal(url, policy(asked: asked)), "\(url) was allowed")
        #expect(refusal.status == 400)
        #expect(refusal.code == "invalid_url", "\(url): \(refusal.message)")
        #expect(!refusal.message.contains("secret"))
        #expect(asked.isEmpty, "\(url) was looked up")
    }

    @Test(
        "Other schemes are refused",
        arguments: [
            "file:///etc/passwd", "FILE:///etc/passwd", "view-source:http://example.com/", "chrome://settings",
            "chrome:version",
            "about:srcdoc", "about:blank#x", "about:config", "data:text/html,x", "javascript:alert(1)",
            "JavaScript:alert(1)",
            "blob:http://example.com/1", "filesystem:http://example.com/x", "ftp://example.com/", "ws://example.com/",
            "wss://example.com/", "devtools://devtools/x", "chrome-extension://x/y", "intent://x", "mailto:a@b",
            "tel:1",
            "\u{1}javascript:alert(1)", " javascript:alert(1)", "res://x", "jar:http://x", "isolated-app://x",
        ])
    func refusesSchemes(url: String) async throws {
        let refusal = try #require(await refusal(url))
        #expect(refusal.code == "blocked_url", "\(url): \(refusal.message)")
        #expect(refusal.message.contains("http:, https: and about:blank"))
    }

    @Test(
        "Public addresses pass, in the spelling of browsers",
        arguments: [
            ("http://example.com", "http://example.com/"),
            ("HTTPS://Example.COM:443/A?b#c", "https://example.com/A?b#c"),
            ("http://example.com:80/", "http://example.com/"),
            ("http://example.com:8080?x", "http://example.com:8080/?x"),
            ("  https://example.com/ \n", "https://example.com/"), ("http://93.184.216.34/", "http://93.184.216.34/"),
            ("http://1.1.1.1/", "http://1.1.1.1/"),
            ("http://[2606:4700:4700::1111]/", "http://[2606:4700:4700::1111]/"),
            ("http://[2606:4700::1]:8443/x", "http://[2606:4700::1]:8443/x"),
            ("http://126.255.255.255/", "http://126.255.255.255/"),
            ("http://128.0.0.1/", "http://128.0.0.1/"), ("http://172.15.255.255/", "http://172.15.255.255/"),
            ("http://172.32.0.1/", "http://172.32.0.1/"), ("http://100.63.255.255/", "http://100.63.255.255/"),
            ("http://100.128.0.1/", "http://100.128.0.1/"), ("http://198.17.255.255/", "http://198.17.255.255/"),
            ("http://198.20.0.0/", "http://198.20.0.0/"), ("http://223.255.255.255/", "http://223.255.255.255/"),
            ("http://under_score.example.com/", "http://under_score.example.com/"),
            ("http://xn--bcher-kva.example/", "http://xn--bcher-kva.example/"),
            ("http://bücher.example/", "http://xn--bcher-kva.example/"),
            ("http://BÜCHER.example/", "http://xn--bcher-kva.example/"),
            ("http://例え.テスト/", "http://xn--r8jz45g.xn--zckzah/"),
            ("http://пример.испытание:81/", "http://xn--e1afmkfd.xn--80akhbyknj4f:81/"),
            ("https://example.com/ä ö?ü#ß", "https://example.com/%C3%A4%20%C3%B6?%C3%BC#%C3%9F"),
            ("https://example.com/a%20b|c{d}", "https://example.com/a%20b|c{d}"), ("about:blank", "about:blank"),
            ("About:Blank", "about:blank"),
        ])
    func allowsPublic(written: String, canonical: String) async throws {
        let names = [
            "example.com", "under_score.example.com", "xn--bcher-kva.example", "xn--r8jz45g.xn--zckzah",
            "xn--e1afmkfd.xn--80akhbyknj4f",
        ]
        let policy = policy(Dictionary(uniqueKeysWithValues: names.map { ($0, ["93.184.216.34"]) }))
        #expect(try await policy.check(written) == canonical)
    }

    @Test("One private address in the answer of a name server refuses the name")
    func judgesEveryAddress() async {
        let policy = policy([
            "mixed.example": ["93.184.216.34", "127.0.0.1"], "six.example": ["93.184.216.34", "::1"],
            "mapped.example": ["::ffff:10.0.0.1"], "own.example": ["5.6.7.8"], "empty.example": [],
        ])
        for name in ["mixed", "six", "mapped", "own"] {
            #expect(await refusal("https://\(name).example/", policy)?.code == "blocked_url", "\(name)")
        }
        #expect(await refusal("https://empty.example/", policy)?.code == "unknown_host")
        #expect(await refusal("https://none.example/", policy)?.code == "unknown_host")
    }

    @Test("A refusal names the address, the reason and the setting")
    func explains() async throws {
        let message = try #require(await refusal("http://127.0.0.1:3000/x")).message
        #expect(message.contains("\"http://127.0.0.1:3000/x\""))
        #expect(message.contains("this host (loopback)"))
        #expect(message.contains("browser.ssrfPolicy.allowedHostnames"))
        #expect(message.contains("browser.ssrfPolicy.dangerouslyAllowPrivateNetwork"))
        let long = try #require(await refusal("file:///" + String(repeating: "x", count: 5000))).message
        #expect(long.utf8.count < 500)
    }

    @Test("Opening private networks opens them, but not ports of JARVIS on this host")
    func opensPrivateNetworks() async {
        var open = policy(["nas.example": ["192.168.0.9"], "trick.example": ["127.0.0.1"]])
        open.allowsPrivateNetwork = true
        for url in [
            "http://127.0.0.1:3000/", "http://localhost:3000/", "http://app.localhost:3000/", "http://[::1]:3000/",
            "http://10.0.0.1:20789/", "http://nas.example/", "http://192.168.7.7/", "http://169.254.0.1/",
            "http://[fd00::1]/",
        ] {
            #expect(await refusal(url, open) == nil, "\(url)")
        }
        for host in [
            "127.0.0.1", "127.0.0.9", "localhost", "x.localhost", "[::1]", "[::ffff:127.0.0.1]", "192.168.7.7",
            "5.6.7.8",
            "[::ffff:5.6.7.8]", "trick.example", "[::127.0.0.1]", "0.0.0.0", "[::]",
        ] {
            for port in [20789, 20791] {
                let refusal = await refusal("http://\(host):\(port)/", open)
                #expect(refusal?.code == "blocked_url", "\(host):\(port)")
                #expect(refusal?.message.contains("no setting opens that") == true, "\(host):\(port)")
            }
        }
        #expect(await refusal("http://0.0.0.0:3000/", open)?.code == "blocked_url")
        #expect(await refusal("http://224.0.0.1/", open)?.code == "blocked_url")
    }

    @Test("Named hosts open whatever their address, but not ports of JARVIS")
    func opensNamedHosts() async {
        var named = policy(["nas.example": ["192.168.0.9"], "a.lan.example": ["10.0.0.1"], "lan.example": ["10.0.0.1"]])
        named.allowedHostnames = ["127.0.0.1", "NAS.example.", "*.lan.example", "[::1]", "bücher.example"]
        for url in ["http://127.0.0.1:3000/", "http://nas.example/", "http://a.lan.example/", "http://[::1]/"] {
            #expect(await refusal(url, named) == nil, "\(url)")
        }
        for url in [
            "http://127.0.0.2/", "http://lan.example/", "http://10.0.0.1/", "http://127.0.0.1:20789/",
            "http://localhost/",
        ] {
            #expect(await refusal(url, named)?.code == "blocked_url", "\(url)")
        }
    }

    @Test("An allow list closes everything else")
    func closesWithAllowList() async {
        let address = ["93.184.216.34"]
        var listed = policy([
            "example.com": address, "www.example.com": address, "evilexample.com": address, "nas.example": ["10.0.0.1"],
        ])
        listed.hostnameAllowlist = ["*.example.com", "1.1.1.1"]
        listed.allowedHostnames = ["nas.example"]
        for url in ["https://www.example.com/", "https://1.1.1.1/", "http://nas.example/"] {
            #expect(await refusal(url, listed) == nil, "\(url)")
        }
        for url in [
            "https://example.com/", "https://evilexample.com/", "https://8.8.8.8/", "https://example.com.evil.example/",
        ] {
            let refusal = await refusal(url, listed)
            #expect(refusal?.message.contains("browser.ssrfPolicy.hostnameAllowlist") == true, "\(url)")
        }
        listed.hostnameAllowlist = ["*.localhost"]
        #expect(await refusal("http://a.localhost/", listed)?.message.contains("loopback") == true)
    }

    @Test(
        "Names with other letters get the ASCII form of the standard",
        arguments: [
            ("bücher", "bcher-kva"), ("München-Ost".lowercased(), "mnchen-ost-9db"), ("παράδειγμα", "hxajbheg2az3al"),
            ("他们为什么不说中文", "ihqwcrb4cv8a8dqg056pqjye"),
            ("почемужеонинеговорятпорусски", "b1abfaaepdrnnbgefbadotcwatmq2g4l"),
        ])
    func punycode(label: String, encoded: String) {
        #expect(Punycode.encode(Array(label.unicodeScalars)) == encoded)
    }
}
