import JarvisSystem
import Testing

@testable import JarvisBrowser

private func owner(
    _ pid: Int32?, directory: String? = nil, instance: String? = nil, isBrowser: Bool = true, user: UInt32 = 1000,
    program: String = "chrome", isSystem: Bool = false
) -> BrowserOwner {
    var owner = BrowserOwner()
    owner.pid = pid
    owner.command = program
    owner.userDataDir = directory
    owner.instanceId = instance
    owner.isBrowser = isBrowser
    owner.userId = user
    owner.program = program
    owner.isSystemProgram = isSystem
    return owner
}

@Suite("Locks of a user-data directory")
struct SingletonLockTests {
    private func decide(
        _ link: String?, owns: Bool = true, _ owners: [Int32: BrowserOwner] = [:]
    ) -> SingletonLock.Decision {
        SingletonLock.decide(
            link: link, host: "here", directory: "/u", ownsDirectory: owns, instanceId: "me", owner: { owners[$0] })
    }

    @Test("Old ones go: a dead process, a number that is another's now, another name of this host")
    func old() {
        #expect(decide(nil) == .none)
        #expect(decide("here-42") == .clear)
        #expect(decide("here-42", [42: owner(42, isBrowser: false, program: "bash")]) == .clear)
        #expect(decide("here-42", [42: owner(42, directory: "/other")]) == .clear)
        #expect(decide("other-host-42", [42: owner(42, directory: "/u")]) == .clear)
        for nonsense in ["", "here", "here-", "here-x", "here-0", "-"] { #expect(decide(nonsense) == .clear) }
    }

    @Test("A live one is ended when it is ours and left alone when it is not")
    func live() {
        let ours = owner(42, directory: "/u", instance: "me")
        #expect(decide("here-42", [42: ours]) == .end(pid: 42))
        for stranger in [owner(42, directory: "/u"), owner(42, directory: "/u", instance: "you"), owner(42)] {
            #expect(decide("here-42", [42: stranger]) == .heldBy(stranger))
        }
    }

    @Test("On a directory that others may share, another host may be alive")
    func shared() { #expect(decide("nas-box-42", owns: false) == .heldElsewhere(host: "nas-box")) }
}

@Suite("Whose a debugging endpoint is")
struct AttachJudgeTests {
    private func refusal(
        _ owners: [BrowserOwner], directory: String? = nil, credentials: Bool = false
    ) -> BrowserError? {
        var judge = AttachJudge(
            place: "http://127.0.0.1:9222", instanceId: "me", directory: directory, hasCredentials: credentials,
            userId: 1000)
        judge.instanceTitles = ["you": "the gateway “rescue”"]
        judge.directoryTitles = ["/rescue/u": "the gateway “rescue”"]
        do throws(BrowserError) {
            try judge.judge(owners)
            return nil
        } catch {
            return error
        }
    }

    @Test("A profile without an address takes its own directory's browser only")
    func own() {
        #expect(refusal([owner(1, directory: "/u")], directory: "/u") == nil)
        #expect(refusal([owner(1, directory: "/u", instance: "me")], directory: "/u") == nil)
        #expect(refusal([owner(1, directory: "/v")], directory: "/u")?.code == "foreign_browser")
        #expect(refusal([owner(1)], directory: "/u")?.code == "foreign_browser")
        #expect(refusal([owner(1, directory: "/u"), owner(2, directory: "/v")], directory: "/u") != nil)
        #expect(refusal([owner(nil, user: 0)], directory: "/u") != nil)
        #expect(refusal([], directory: "/u")?.code == "endpoint_failed")
    }

    @Test("A configured address takes any browser but a sibling's, and no stranger")
    func configured() throws {
        #expect(refusal([owner(1, directory: "/v")]) == nil)
        #expect(refusal([owner(1)], credentials: true) == nil)
        for sibling in [owner(1, instance: "you"), owner(1, directory: "/rescue/u")] {
            let error = try #require(refusal([sibling]))
            #expect(error.status == 409 && error.message.contains("rescue") && error.message.contains("(pid 1)"))
        }
        #expect(refusal([owner(1, isBrowser: false, program: "python3", isSystem: true)]) != nil)
        #expect(refusal([owner(nil, isBrowser: false, user: 1001)]) != nil)
    }

    @Test("A way to a browser elsewhere counts when root stands for it")
    func tunnels() {
        #expect(refusal([owner(1, isBrowser: false, program: "ssh", isSystem: true)]) == nil)
        #expect(refusal([owner(nil, isBrowser: false, user: 0)]) == nil)
        #expect(refusal([owner(1, isBrowser: false, program: "ssh")]) != nil)
    }
}

@Suite("Whose a debugging port is")
struct PortProofTests {
    private func row(_ local: String, _ inode: Int, state: String = "0A") -> TCPSocket? {
        let remote =
            local.split(separator: ":")[0].count == 8 ? "00000000:0000" : "\(String(repeating: "0", count: 32)):0000"
        return TCPSocket(
            row: "  0: \(local) \(remote) \(state) 00000000:00000000 00:00000000 00000000  1000 0 \(inode) 1")
    }

    private func verdict(_ rows: [TCPSocket?], _ holders: [UInt64: Set<Int32>]) -> PortProof.Verdict {
        PortProof.judge(rows.compactMap { $0 }, port: 0x4970, holders: { _ in holders }) { pid in
            pid == 7 ? nil : owner(pid)
        }
    }

    private let v4 = "0100007F:4970"
    private let v6 = "00000000000000000000000001000000:4970"

    @Test("One listener of our process on 127.0.0.1 is the proof")
    func own() {
        #expect(verdict([row(v4, 1)], [1: [7]]) == .own)
        #expect(verdict([row(v4, 1), row("0100007F:4971", 2)], [1: [7], 2: [9]]) == .own)
    }

    @Test("A stranger on either family spoils it, and so does one that can't be seen")
    func foreign() {
        #expect(verdict([row(v4, 1)], [1: [9]]) == .foreign(owner(9)))
        #expect(verdict([row(v4, 1), row(v6, 2)], [1: [7], 2: [9]]) == .foreign(owner(9)))
        #expect(verdict([row(v4, 1)], [1: [7, 9]]) == .foreign(owner(9)))
        #expect(verdict([row("00000000:4970", 1)], [1: [9]]) == .foreign(owner(9)))
        var unseen = BrowserOwner()
        unseen.userId = 1000
        #expect(verdict([row(v4, 1)], [:]) == .foreign(unseen))
    }

    @Test("Our own on ::1 alone is not where it is looked for")
    func fallback() {
        #expect(verdict([row(v6, 1)], [1: [7]]) == .nobody)
        #expect(verdict([row(v4, 1, state: "01")], [1: [7]]) == .nobody)
        #expect(verdict([], [:]) == .nobody)
    }
}

@Suite("Words of a process")
struct BrowserWordsTests {
    @Test("The first process of a browser is told from its helpers")
    func words() {
        let main = BrowserWords(["/usr/bin/chromium", "--user-data-dir=/a", "--user-data-dir=/s/u", "about:blank"])
        #expect(main.userDataDir == "/s/u" && !main.isHelper && main.uses("/s/u"))
        let helper = BrowserWords(["/usr/lib/chromium/chromium --type=renderer --user-data-dir=/s/u --x"])
        #expect(helper.userDataDir == nil && helper.isHelper && helper.uses("/s/u") && !helper.uses("/s"))
        #expect(BrowserWords(["vim", "x"]).userDataDir == nil)
    }

    @Test(
        "The family is known by the program",
        arguments: [
            ("/usr/lib/chromium/chromium", true), ("/opt/google/chrome/chrome (deleted)", true),
            ("/opt/brave.com/brave/brave", true), ("/opt/microsoft/msedge/msedge", true),
            ("/usr/bin/python3.13", false),
            ("/usr/bin/chron", false),
        ])
    func family(_ path: String, _ isFamily: Bool) { #expect(BrowserWords.isFamily(executable: path) == isFamily) }

    @Test("The last that a browser said is short, without noise, prefixes and secrets")
    func tail() {
        var tail = LogTail()
        tail.add(
            Array("DevTools listening on ws://x\n[1:2:3/4.5:ERROR:dbus/bus.cc(1)] Failed to connect to the bus\n".utf8))
        #expect(tail.summary == "")
        for number in 0..<2000 { tail.add(Array("[1:2:3/4:ERROR:a.cc(\(number))] boom\n".utf8)) }
        tail.add(Array("[1:2] token=abcdefgh\n".utf8 + Array(repeating: UInt8(ascii: "y"), count: 500)))
        #expect(tail.summary.contains("“boom”") && !tail.summary.contains("abcdefgh") && tail.summary.count < 700)
    }

    @Test("A running browser says in its directory where it can be commanded")
    func existing() {
        #expect(
            ExistingSession.address(in: "9222\n/devtools/browser/a-b\n")?.shown
                == "ws://127.0.0.1:9222/devtools/browser/a-b")
        for text in ["", "9222", "0\n/devtools/browser/x", "70000\n/devtools/browser/x", "9222\nhttp://evil/"] {
            #expect(ExistingSession.address(in: text) == nil)
        }
    }
}
