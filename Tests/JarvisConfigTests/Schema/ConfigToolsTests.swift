import JarvisCore
import Testing

@testable import JarvisConfig

@Suite struct ConfigToolsTests {
    @Test(arguments: [
        (#"{tools: {deny: ["group:uii"]}}"#, "tools.deny[0]", "Did you mean group:ui?"),
        (
            #"{tools: {byProvider: {x: {allow: ["read", "group:nothing"]}}}}"#, "tools.byProvider.x.allow[1]",
            "names none"
        ),
        (
            #"{agents: {list: [{id: "a", tools: {alsoAllow: ["GROUP:fz"]}}]}}"#, "agents.list[0].tools.alsoAllow[0]",
            "no group"
        ),
        (#"{tools: {sandbox: {tools: {deny: ["browser"]}}}}"#, "tools.sandbox.tools", "no sandbox"),
        (#"{tools: {subagents: {tools: {deny: ["browser"]}}}}"#, "tools.subagents.tools", "start no others"),
        (#"{tools: {toolsBySender: {"id:1": {deny: ["*"]}}}}"#, "tools.toolsBySender", "unknown key"),
        (
            #"{agents: {list: [{id: "a", tools: {toolsBySender: {"id:1": {deny: ["*"]}}}}]}}"#,
            "agents.list[0].tools.toolsBySender", "tools.deny"
        ),
        (
            #"{channels: {telegram: {groups: {"-100": {tools: {deny: ["browser"]}}}}}}"#,
            "channels.telegram.groups.-100.tools", "groups and senders"
        ),
        (
            #"{channels: {discord: {guilds: {"1": {channels: {x: {toolsBySender: {"id:1": {}}}}}}}}}"#,
            "channels.discord.guilds.1.channels.x.toolsBySender", "groups and senders"
        ),
    ]) func tellsWhatRestrictsNothing(_ text: String, _ path: String, _ words: String) throws {
        let snapshot = load(text)
        let warning = try #require(snapshot.warnings.first)
        #expect(snapshot.errors.isEmpty && snapshot.warnings.count == 1)
        #expect(warning.path == path && warning.message.contains(words), "\(warning.path): \(warning.message)")
    }

    @Test func knownGroupsAreQuiet() {
        let names = ConfigValidator.toolGroups.map { "\"group:\($0)\"" }.joined(separator: ", ")
        #expect(load("{tools: {allow: [\(names), \"bro*\", \"GROUP:UI\"], deny: [\"bash\"]}}").issues.isEmpty)
    }
}
