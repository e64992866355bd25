import JarvisSystem
import Testing

@testable import JarvisBrowser

@Suite("Flags of a browser")
struct BrowserFlagsTests {
    private func plan(extra: [String] = []) -> LaunchPlan {
        LaunchPlan(
            executable: "/usr/bin/chromium", userDataDir: "/s/u", headless: true, extraArgs: extra,
            children: ChildTree(instanceId: "i"))
    }

    @Test("The usual flags are there, the dangerous ones are not, and the page comes last")
    func usual() throws {
        let flags = try BrowserFlags.arguments(plan())
        #expect(flags.prefix(2) == ["--remote-debugging-pipe", "--user-data-dir=/s/u"] && flags.last == "about:blank")
        for flag in ["--headless=new", "--disable-gpu", "--password-store=basic", "--no-first-run"] {
            #expect(flags.contains(flag))
        }
        for never in ["--no-sandbox", "--remote-allow-origins", "--disable-web-security", "--remote-debugging-port"] {
            #expect(!flags.contains { $0.hasPrefix(never) })
        }
    }

    @Test("Port, sandbox and proxy appear when asked for")
    func optional() throws {
        var plan = plan()
        plan.cdpPort = 18800
        plan.noSandbox = true
        plan.proxyPort = 4711
        let flags = try BrowserFlags.arguments(plan)
        #expect(flags.contains("--remote-debugging-port=18800") && flags.contains("--no-sandbox"))
        #expect(flags.contains("--proxy-server=http://127.0.0.1:4711"))
        #expect(flags.contains("--proxy-bypass-list=<-loopback>"))
    }

    @Test("Lists of the configuration join ours, which the browser would otherwise forget")
    func lists() throws {
        let flags = try BrowserFlags.arguments(plan(extra: ["--disable-features=A,Translate", "--lang=de"]))
        #expect(flags.filter { $0.hasPrefix("--disable-features") } == ["--disable-features=Translate,MediaRouter,A"])
        #expect(flags.contains("--lang=de"))
    }

    @Test(
        "What would break isolation is refused by name and place",
        arguments: [
            "--user-data-dir=/x", "--remote-debugging-port=1", "--remote-debugging-pipe",
            "--remote-debugging-address=0",
            "--remote-allow-origins=*", "--disable-web-security", "--no-sandbox", "--headless", "--proxy-server=x",
            "--type=renderer", "--", "-user-data-dir=/x", "http://a.example", "--a\u{0}b", "---user-data-dir=/x", "",
        ])
    func refused(_ word: String) throws {
        let problem = try #require(BrowserFlags.problem(of: ["--lang=de", word]))
        #expect(problem.contains("browser.extraArgs[1]"))
    }

    @Test(
        "Ordinary arguments pass", arguments: ["--load-extension=/x", "--lang=de", "--window-size=1,2", "--mute-audio"])
    func allowed(_ word: String) { #expect(BrowserFlags.problem(of: [word]) == nil) }

    @Test("No window without a display")
    func display() {
        var plan = plan()
        plan.headless = false
        #expect(plan.isHeadless)
        plan.environment["DISPLAY"] = ":0"
        #expect(!plan.isHeadless)
    }
}
