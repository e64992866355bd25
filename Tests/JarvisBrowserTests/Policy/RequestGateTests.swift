import JarvisCore
import JarvisNet
import JarvisSystem
import NIOCore
import Synchronization
import Testing

@testable import JarvisBrowser

@Suite("Request gate")
struct RequestGateTests {
    @Test("Credentials are given once, to the site of the tab")
    func gives() throws {
        var gate = RequestGate()
        let ours = HTTPCredentials(user: "ada", password: "secret")
        #expect(gate.answer(request: "1", asking: "http://a.example", shown: nil, isMainDocument: true) == .keep)
        gate.credentials = ours
        #expect(gate.answer(request: "1", asking: "http://a.example", shown: nil, isMainDocument: true) == .give(ours))
        #expect(gate.answer(request: "1", asking: "http://a.example", shown: nil, isMainDocument: true) == .keep)
        #expect(
            gate.answer(request: "2", asking: "http://a.example", shown: "http://a.example", isMainDocument: false)
                == .give(ours))
        #expect(
            gate.answer(request: "3", asking: "http://b.example", shown: "http://a.example", isMainDocument: false)
                == .keep)
        #expect(
            gate.answer(request: "4", asking: "http://a.example:81", shown: "http://a.example", isMainDocument: false)
                == .keep)
        gate.origin = "http://c.example"
        #expect(gate.answer(request: "5", asking: "http://a.example", shown: nil, isMainDocument: true) == .keep)
        #expect(gate.answer(request: "6", asking: "http://c.example", shown: nil, isMainDocument: false) == .give(ours))
        #expect("\(ours) \(String(reflecting: ours))".contains("secret") == false)
    }

    @Test("What is stopped on the way depends on who judges")
    func patterns() throws {
        var gate = RequestGate()
        #expect(gate.patterns(policing: false) == nil)
        let policing = try #require(gate.patterns(policing: true))
        #expect(policing["handleAuthRequests"] == nil)
        #expect(policing["patterns"]?[0] == ["urlPattern": "*", "resourceType": "Document"])
        #expect(policing["patterns"]?[1] == ["urlPattern": "http://*"])
        #expect(policing["patterns"]?[2] == ["urlPattern": "https://*"])
        gate.credentials = HTTPCredentials(user: "a", password: "b")
        #expect(gate.patterns(policing: false)?["handleAuthRequests"] == true)
        #expect(gate.patterns(policing: false)?["patterns"]?.arrayValue?.count == 1)
    }

    @Test("An attached browser's requests are judged, and refusals are noted")
    func admits() async {
        let rules = SessionRules(artifacts: "/x", uploadRoots: [], policy: NavigationPolicy())
        for url in ["data:text/html,x", "blob:http://a.example/1", "about:srcdoc", "http://93.184.216.34/"] {
            #expect(await rules.admits(url), "\(url)")
        }
        for url in [
            "http://127.0.0.1:1/x", "http://[::1]/", "file:///etc/passwd", "chrome://version/", "https://10.0.0.1/",
        ] {
            #expect(await !rules.admits(url), "\(url)")
        }
        #expect(rules.denials?.all.map(\.target) == ["http://127.0.0.1:1/x", "http://[::1]/", "https://10.0.0.1/"])
        #expect(rules.denials?.refusal(of: "http://127.0.0.1:1/other", after: 0)?.error.code == "blocked_url")
        #expect(rules.denials?.refusal(of: "http://127.0.0.1:1/x", after: rules.denials?.mark ?? 0) == nil)
    }

    @Test("A name is looked up once for all who ask in the same moment, and one that leads inside is refused")
    func names() async {
        let lookups = Mutex(0)
        var policy = NavigationPolicy()
        policy.resolver = Resolver { host, port in
            lookups.withLock { $0 += 1 }
            let address = host == "inside.example" ? "127.0.0.1" : "93.184.216.34"
            return [try SocketAddress(ipAddress: address, port: port)]
        }
        var rules = SessionRules(artifacts: "/x", uploadRoots: [], policy: policy)
        rules.verdicts = AllowedHosts(lifetime: .seconds(3600))
        await withTaskGroup(of: Bool.self) { group in
            for number in 0..<50 {
                group.addTask { [rules] in await rules.admits("http://outside.example/\(number).png") }
            }
            for await isAdmitted in group { #expect(isAdmitted) }
        }
        #expect(lookups.withLock { $0 } == 1)
        #expect(await !rules.admits("http://inside.example/a"))
        #expect(await !rules.admits("http://inside.example/b", noting: false))
        #expect(rules.denials?.all.map(\.target) == ["http://inside.example/a"])
        #expect(await rules.admits("https://outside.example/"))
        #expect(lookups.withLock { $0 } > 2, "another port is another place")
    }

    @Test("A socket's address is read as a page's is")
    func sockets() {
        #expect(BrowserSession.webAddress("ws://a.example:81/x") == "http://a.example:81/x")
        #expect(BrowserSession.webAddress("WSS://a.example/") == "https://a.example/")
        #expect(BrowserSession.webAddress("https://a.example/wt") == "https://a.example/wt")
        #expect(BrowserSession.webAddress("ftp://a.example/") == nil && BrowserSession.webAddress("") == nil)
    }
}

@Suite("Egress proxy")
struct EgressProxyTests {
    @Test("The kernel says whose connection it is")
    func peers() throws {
        let table = [
            "  1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 1 0",
            "  2: 0100007F:D431 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1001        0 2 1 0",
            "  3: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000 00000000  1000        0 3 1 0",
        ].compactMap { TCPSocket(row: $0) }
        let local = try SocketAddress(ipAddress: "127.0.0.1", port: 0x1F90)
        #expect(
            LocalPeer.user(of: try SocketAddress(ipAddress: "127.0.0.1", port: 0xD431), to: local, in: table) == 1001)
        #expect(
            LocalPeer.user(of: try SocketAddress(ipAddress: "127.0.0.1", port: 0xD432), to: local, in: table) == nil)
        #expect(LocalPeer.user(of: try SocketAddress(ipAddress: "::1", port: 0xD431), to: local, in: table) == nil)
    }

    @Test("Refusals are kept, the last 64, and found again by host and port")
    func denials() throws {
        let denials = EgressDenials()
        for port in 1...70 {
            denials.add(
                target: "a.example:\(port)", host: "a.example", port: port,
                error: BrowserError(400, "blocked_url", "\(port)"))
        }
        #expect(denials.all.count == 64)
        #expect(denials.mark == 70)
        #expect(denials.refusal(of: "https://a.example:70/any/path", after: 69)?.error.message == "70")
        #expect(denials.refusal(of: "https://a.example:70/", after: 70) == nil)
        #expect(denials.refusal(of: "http://a.example:3/", after: 0) == nil)
    }

    @Test("A policy that changes what is open drops connections, another one does not")
    func changes() {
        let rules = EgressRules(policy: NavigationPolicy(), denials: EgressDenials())
        var policy = NavigationPolicy()
        policy.deniedPorts = { [1] }
        #expect(!rules.replace(policy))
        policy.allowsPrivateNetwork = true
        #expect(rules.replace(policy))
        #expect(!rules.replace(policy))
        policy.allowedHostnames = ["a"]
        #expect(rules.replace(policy))
    }
}
