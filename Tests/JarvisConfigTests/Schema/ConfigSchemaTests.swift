import JarvisConfig
import JarvisCore
import JarvisFormats
import Testing

@Suite struct ConfigSchemaTests {
    @Test func everyRowIsComplete() {
        var seen: Set<String> = []
        for field in ConfigFields.all {
            #expect(seen.insert(field.pattern).inserted, "\(field.pattern) twice")
            #expect(field.doc.hasSuffix("."), "\(field.pattern)")
        }
        // The top-level keys that the family knows.
        for name in [
            "meta", "auth", "acp", "env", "wizard", "diagnostics", "logging", "update", "browser", "ui", "secrets",
            "skills", "plugins", "models",
            "nodeHost", "agents", "tools", "bindings", "broadcast", "audio", "messages", "commands", "approvals",
            "session", "web", "channels",
            "cron", "hooks", "discovery", "canvasHost", "talk", "gateway", "memory",
        ] { #expect(seen.contains(name), "\(name)") }
    }

    @Test func classifiesReloads() throws {
        let expected: [(String, ConfigField.Reload)] = [
            ("meta.lastTouchedAt", .none), ("models.providers.x.apiKey", .none), ("agents.defaults.model", .none),
            ("agents.list[0].name", .none),
            ("agents.defaults.heartbeat.every", .hot), ("gateway.reload.mode", .none), ("gateway.remote.url", .none),
            ("gateway.port", .restart),
            ("gateway.unknown", .restart), ("gateway", .restart), ("channels.irc.nick", .hot), ("hooks.gmail.x", .hot),
            ("cron", .hot),
            ("browser.headless", .hot), ("discovery.x", .restart), ("plugins", .restart), ("nonsense.x", .restart),
            ("ui.seamColor", .none),
            ("session", .none), ("tools.exec.x", .none), ("bindings[0]", .none), ("agents", .hot),
        ]
        for (text, reload) in expected { #expect(try ConfigReloadPlan.classify(path(text)) == reload, "\(text)") }
        let plan = try ConfigReloadPlan(changedPaths: [
            path("ui.seamColor"), path("channels.irc.nick"), path("channels.irc.host"),
        ])
        #expect(plan.action == .hot && plan.channels == ["irc"] && plan.none.count == 1)
        #expect(ConfigReloadPlan(changedPaths: []).action == .none)
    }

    @Test func givesSchemaAndHints() throws {
        let schema = ConfigSchema.jsonSchema()
        let gateway = schema["properties"]?["gateway"]?["properties"]
        #expect(gateway?["port"]?["maximum"] == 65535)
        #expect(gateway?["bind"]?["default"] == "loopback")
        #expect(
            schema["properties"]?["models"]?["properties"]?["providers"]?["additionalProperties"]?["properties"]?[
                "apiKey"] != nil)
        #expect(schema["properties"]?["agents"]?["properties"]?["list"]?["items"]?["properties"]?["id"] != nil)
        #expect(try JSONParser.parse(JSONWriter.encode(schema)) == schema)
        let hints = ConfigSchema.uiHints()
        #expect(hints["gateway.auth.token"]?["sensitive"] == true)
        #expect(hints["gateway.controlUi.basePath"]?["label"] == "Base path")
        #expect(hints["gateway.reload.debounceMs"]?["unit"] == "milliseconds")
    }

    @Test func writesTheReference() {
        let text = ConfigReference.markdown()
        #expect(text.contains("\n## gateway\n"))
        #expect(text.contains("| `gateway.port` | an integer from 1 to 65535 |  | restart |"))
        #expect(text.split(separator: "\n").count > 200)
    }

    /// What the table says is the default is accepted by the table.
    @Test func defaultsAreValid() {
        for field in ConfigFields.all {
            guard let standard = field.standard, !field.pattern.contains("*"), !field.pattern.contains("[]") else {
                continue
            }
            var value = standard
            for key in field.pattern.split(separator: ".").reversed() { value = .object([String(key): value]) }
            #expect(messages(load(JSONWriter.string(value)).issues) == [], "\(field.pattern)")
        }
    }

    @Test func suggestsNearNames() {
        #expect(Nearest.name(to: "prot", in: ["port", "mode"]) == "port")
        #expect(Nearest.name(to: "PORT", in: ["port"]) == "port")
        #expect(Nearest.name(to: "xyz", in: ["port"]) == nil)
        #expect(Nearest.name(to: "", in: ["port"]) == nil)
    }

    @Test func theTemplateBoots() throws {
        let snapshot = load(ConfigTemplate.minimal())
        #expect(messages(snapshot.issues) == [])
        #expect(snapshot.config.gateway.mode == .local && snapshot.config.gateway.port == nil)
        let full = load(
            ConfigTemplate.minimal(port: 19001, bind: "lan", token: "${T}", workspace: "/w \"x\""), ["T": "t"])
        #expect(messages(full.issues) == [])
        #expect(full.config.gateway.port == 19001 && full.config.gateway.auth.token?.reveal() == "t")
        #expect(full.config.agents.defaults.workspace == "/w \"x\"")
        let fixture = try ConfigFixture(ConfigTemplate.minimal())
        _ = try fixture.store().set(path("agents.defaults.workspace"), to: "/w", actor: "cli")
        _ = try fixture.store().set(path("gateway.port"), to: 1, actor: "cli")
        let text = try fixture.read()
        #expect(text.contains("    mode: \"local\",\n    port: 1,\n    // port: 18789,"), "\(text)")
        #expect(text.contains("workspace: \"/w\""))
    }
}
