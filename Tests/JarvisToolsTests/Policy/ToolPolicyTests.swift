import JarvisCore
import JarvisKit
import JarvisTestSupport
import Testing

@testable import JarvisTools

@Suite struct ToolPolicyTests {
    @Test func everythingIsAllowedByDefault() {
        #expect(ToolPolicy().allows("exec"))
        #expect(ToolPolicy(json: nil).allows("anything"))
        #expect(ToolPolicy(profile: "full").allows("exec"))
    }

    @Test func profiles() {
        let minimal = ToolPolicy(profile: "minimal")
        #expect(minimal.allows("session_status"))
        #expect(!minimal.allows("exec"))
        let coding = ToolPolicy(profile: "Coding")
        #expect(coding.allows("read") && coding.allows("bash") && coding.allows("cron") && !coding.allows("message"))
        let messaging = ToolPolicy(profile: "messaging")
        #expect(
            messaging.allows("message") && messaging.allows("session_status") && !messaging.allows("sessions_spawn"))
        let unknown = ToolPolicy(profile: "everything!")
        #expect(unknown.allows("session_status") && !unknown.allows("exec"))
    }

    @Test func denyWins() {
        let policy = ToolPolicy(allow: ["exec", "read"], deny: ["group:runtime"])
        #expect(!policy.allows("exec"))
        #expect(policy.allows("read"))
        #expect(!policy.allows("write"))
        #expect(!ToolPolicy(deny: ["*"]).allows("session_status"))
        #expect(!ToolPolicy(deny: ["BASH"]).allows("exec"))
    }

    @Test func patternsAndAdditions() {
        let policy = ToolPolicy(profile: "minimal", alsoAllow: ["web_*", "*_search"])
        #expect(policy.allows("web_fetch") && policy.allows("memory_search") && !policy.allows("memory_get"))
        #expect(ToolPolicy(allow: ["a*b*c"]).allows("axxbyyc"))
        #expect(!ToolPolicy(allow: ["a*b*c"]).allows("axxbyy"))
        #expect(ToolPolicy(allow: ["group:jarvis"]).allows("browser"))
        #expect(!ToolPolicy(allow: ["group:jarvis"]).allows("exec"))
        #expect(!ToolPolicy(allow: ["group:nosuch"]).allows("exec"))
    }

    @Test func readsTheConfiguration() {
        let policy = ToolPolicy(json: ["profile": "coding", "deny": ["exec", 7], "alsoAllow": ["message"]])
        // An entry that is no name could mean any tool.
        #expect(policy == ToolPolicy(profile: "coding", alsoAllow: ["message"], deny: ["exec", "*"]))
    }
}
