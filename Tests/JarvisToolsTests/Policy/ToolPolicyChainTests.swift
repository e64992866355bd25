import JarvisCore
import Testing

@testable import JarvisTools

@Suite struct ToolPolicyChainTests {
    private func chain(
        _ tools: JSONValue?, agent: JSONValue? = nil, models: [String] = ["openai/gpt-4o"]
    ) -> ToolPolicyChain {
        ToolPolicyChain(tools: tools, agentId: "work", agentTools: agent, models: models)
    }

    private func removed(_ chain: ToolPolicyChain, _ tool: String) -> String? { chain.verdict(tool).removedBy }

    @Test func withoutRulesEverythingIsAllowed() {
        #expect(chain(nil).steps.isEmpty)
        #expect(chain([:], agent: [:]).allows("exec"))
    }

    @Test func everyStepCanRemoveAndIsNamed() {
        let tools: JSONValue = [
            "profile": "coding", "alsoAllow": ["browser", "canvas", "message", "web_fetch", "image"],
            "deny": ["cron"],
            "byProvider": [
                "openai": ["profile": "full", "deny": ["canvas"]],
                "ollama": ["profile": "minimal"],
            ],
        ]
        let agent: JSONValue = [
            "deny": ["message"], "byProvider": ["openai/gpt-4o": ["deny": ["web_*"]], "openai": ["deny": ["image"]]],
        ]
        let chain = chain(tools, agent: agent)
        #expect(removed(chain, "tts") == "tools.profile")
        #expect(removed(chain, "cron") == "tools")
        #expect(removed(chain, "canvas") == "tools.byProvider.openai")
        #expect(removed(chain, "message") == "agents.list[work].tools")
        #expect(removed(chain, "web_fetch") == "agents.list[work].tools.byProvider.openai/gpt-4o")
        #expect(chain.allows("browser") && chain.allows("bash"))
        // The entry of the model takes the place of the provider's.
        #expect(chain.allows("image"))
        let local = self.chain(tools, agent: agent, models: ["Ollama/small"])
        #expect(removed(local, "exec") == "tools.byProvider.ollama.profile")
        #expect(local.verdict("exec").reason == "not in profile minimal")
    }

    @Test func aStepNeverWidens() {
        let tools: JSONValue = [
            "allow": ["read", "session_status"], "byProvider": ["openai": ["allow": ["*"], "alsoAllow": ["exec"]]],
        ]
        let agent: JSONValue = ["profile": "full", "allow": ["exec", "read"], "alsoAllow": ["exec"]]
        let chain = chain(tools, agent: agent)
        #expect(!chain.allows("exec"))
        #expect(!chain.allows("session_status"))
        #expect(chain.allows("read"))
    }

    /// Every tool that a chain allows, each of its steps allows alone; adding a step never adds a tool.
    @Test func narrowingHoldsForManyRules() {
        let names = ["read", "exec", "browser", "canvas", "message", "cron", "session_status", "web_fetch"]
        let rules: [JSONValue] = [
            [:], ["profile": "minimal"], ["profile": "coding", "alsoAllow": ["browser"]], ["allow": ["group:ui"]],
            ["deny": ["exec"]], ["allow": ["*"], "deny": ["group:jarvis"]], ["profile": "nonsense"], ["deny": ["w*h"]],
        ]
        for global in rules {
            for agent in rules {
                let both = chain(global, agent: agent)
                let alone = chain(global)
                for name in names where both.allows(name) {
                    #expect(alone.allows(name))
                    #expect(ToolPolicy(json: agent).allows(name))
                }
            }
        }
    }

    @Test func severalModelsHoldAllTheirRules() {
        let tools: JSONValue = ["byProvider": ["a": ["deny": ["exec"]], "b": ["deny": ["browser"]]]]
        let chain = chain(tools, models: ["a/x", "b/y"])
        #expect(!chain.allows("exec") && !chain.allows("browser") && chain.allows("read"))
    }

    @Test func whatCannotBeReadRestricts() {
        #expect(!chain(["deny": "exec"]).allows("read"))
        #expect(!chain(["allow": "exec"]).allows("exec"))
        #expect(!chain(["profile": 7]).allows("exec"))
        #expect(!chain(["byProvider": ["x"]]).allows("read"))
        #expect(!chain(["byProvider": ["openai": "none"]]).allows("read"))
    }

    @Test func wildcardsTakeNoExponentialTime() {
        let pattern = String(repeating: "*a", count: 40) + "b"
        #expect(!Wildcard.matches(pattern, String(repeating: "a", count: 2000)))
        #expect(Wildcard.matches("a*b*c", "axxbyyc") && !Wildcard.matches("a*b*c", "axxbyy"))
        #expect(Wildcard.matches("*", "") && Wildcard.matches("", "") && !Wildcard.matches("", "a"))
    }
}
