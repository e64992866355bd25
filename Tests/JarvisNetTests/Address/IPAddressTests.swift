import Testing

@testable import JarvisNet

@Suite struct IPAddressTests {
    @Test(arguments: ["1.2.3.4", "0.0.0.0", "::", "::1", "1::", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4", "fe80::1"])
    func takes(_ text: String) { #expect(IPAddress(text) != nil) }

    @Test(arguments: [
        "", "1.2.3", "127.1", "0x7f.0.0.1", "01.2.3.4", "1.2.3.256", "1.2.3.4.", "1.2.3.4.5", "2130706433", ":::", ":1",
        "1:", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "fe80::1%lo", "::1.2.3", "1:2:3:4:5:6:7:1.2.3.4", "g::",
        " 1.2.3.4", "1:2:3:4:5:6:7::8:9",
    ])
    func refuses(_ text: String) { #expect(IPAddress(text) == nil) }

    @Test func unmapsAndKnowsLoopback() {
        #expect(IPAddress("::ffff:127.0.0.1")?.unmapped == IPAddress("127.0.0.1"))
        for text in ["127.0.0.1", "127.255.0.9", "::1", "::ffff:127.9.9.9"] {
            #expect(IPAddress(text)?.isLoopback == true)
        }
        for text in ["128.0.0.1", "0.0.0.0", "::", "::2", "1::1"] { #expect(IPAddress(text)?.isLoopback == false) }
    }

    @Test(arguments: [
        ("127.0.0.1", AddressClass.loopback), ("10.1.2.3", .privateNetwork), ("172.31.0.1", .privateNetwork),
        ("172.32.0.1", .global), ("192.168.0.1", .privateNetwork), ("100.64.0.1", .privateNetwork),
        ("169.254.169.254", .linkLocal), ("198.18.0.1", .reserved), ("224.0.0.1", .multicast),
        ("255.255.255.255", .reserved), ("0.0.0.0", .reserved), ("8.8.8.8", .global), ("::", .reserved),
        ("::1", .loopback), ("::ffff:127.0.0.1", .loopback), ("::127.0.0.1", .loopback),
        ("64:ff9b::7f00:1", .loopback), ("64:ff9b::808:808", .global), ("64:ff9b:1::1", .reserved),
        ("2002:7f00:1::", .loopback), ("2001:0:4136:e378::1", .reserved), ("2606:4700::5efe:10.0.0.1", .privateNetwork),
        ("fe80::1", .linkLocal), ("fec0::1", .privateNetwork), ("fd00::1", .privateNetwork), ("ff02::1", .multicast),
        ("2001:db8::1", .reserved), ("2606:4700:4700::1111", .global), ("3fff::1", .reserved), ("4000::1", .reserved),
    ])
    func classifies(_ text: String, _ expected: AddressClass) {
        #expect(IPAddress(text)?.addressClass == expected)
        #expect(IPAddress(text).map { EgressPolicy.publicOnly.allows($0) } == (expected == .global))
    }

    @Test func peersShareABucketByWhatTheyAre() {
        func key(_ ip: String) -> String { PeerAddress.tcp(ip: ip, port: 1, isLoopback: false).limiterKey }
        #expect(key("2606:4700:1:2::1") == key("2606:4700:1:2:ffff::9"))
        #expect(key("2606:4700:1:2::1") != key("2606:4700:1:3::1"))
        #expect(key("1.2.3.4") == "1.2.3.4")
        #expect(PeerAddress.unix(uid: 7, pid: 1).limiterKey == "unix:7")
    }
}

@Suite struct HTTPAuthorityTests {
    @Test func reads() {
        #expect(HTTPAuthority("LocalHost:18789")?.host == "localhost")
        #expect(HTTPAuthority("localhost:18789")?.port == 18789)
        #expect(HTTPAuthority("[::1]:80")?.host == "::1")
        #expect(HTTPAuthority("[::1]")?.bracketedHost == "[::1]")
        #expect(HTTPAuthority("my_host-1.example")?.port == nil)
    }

    @Test(arguments: [
        "", ":80", "localhost.", "a..b", "-a", "a-", "a b", "127.1", "2130706433", "0x7f000001", "0x7f.1", "1.2.3.04",
        "127.0.0.1\0.evil", "evil\\@127.0.0.1", "user@host", "[::1", "[127.0.0.1]", "::1", "host:0", "host:65536",
        "host:", "host:+1", "h%6fst", "①②⑦.0.0.1", "[::1]x", "[fe80::1%25lo]", "example.0x1",
    ])
    func refuses(_ text: String) { #expect(HTTPAuthority(text) == nil) }

    @Test func onlyParsedLoopbackIsLoopback() {
        for text in ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "[::1]", "[::ffff:127.0.0.1]"] {
            #expect(HTTPAuthority(text)?.isLoopback == true)
        }
        for text in ["127.evil.com", "127.0.0.1.evil.com", "localhost.evil.com", "0.0.0.0", "[::]", "evil.com"] {
            #expect(HTTPAuthority(text)?.isLoopback == false)
        }
    }
}
