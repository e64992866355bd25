import JarvisConfig
import JarvisCore
import JarvisFormats
import Testing

@Suite struct ConfigSharingTests {
    @Test func everySecretIsDecided() {
        for field in ConfigFields.all where field.sensitive {
            let sharing = ConfigSharing.of(field)
            let isModelKey = field.pattern.hasPrefix("models.providers.")
            #expect((sharing == .share) == isModelKey, "\(field.pattern): \(sharing)")
        }
        for field in ConfigFields.all where !field.sensitive && field.sharing == nil {
            #expect(ConfigSharing.of(field) == .share, "\(field.pattern)")
        }
    }

    @Test func knowsWhatOnlyOneCanHave() throws {
        let expected: [(String, ConfigField.Sharing)] = [
            ("gateway.port", .regenerate), ("gateway.auth.token", .regenerate), ("gateway.auth.password", .regenerate),
            ("gateway.auth.mode", .share), ("gateway.bind", .share), ("gateway.remote.token", .exclusive),
            ("gateway.tailscale.mode", .exclusive), ("agents.defaults.workspace", .regenerate),
            ("agents.list[3].workspace", .regenerate), ("agents.list[0].model", .share),
            ("models.providers.openai.apiKey", .share), ("models.providers.x.headers.Authorization", .share),
            ("channels.telegram.botToken", .exclusive), ("channels.telegram.accounts.two.botToken", .exclusive),
            ("channels.telegram.allowFrom", .share), ("channels.irc.nick", .exclusive),
            ("channels.irc.port", .share), ("channels.signal.account", .exclusive),
            ("channels.whatsapp.authDir", .exclusive), ("hooks.token", .exclusive),
            ("hooks.gmail.serve.port", .exclusive), ("browser.profiles.work.cdpPort", .exclusive),
            ("browser.profiles.work.cdpUrl", .exclusive), ("browser.profiles.work.color", .share),
            ("browser.headless", .share), ("logging.file", .exclusive), ("logging.level", .share),
            ("env.vars.X", .exclusive), ("unheard.of.apiKey", .exclusive), ("unheard.of.thing", .share),
            ("agents.defaults.memorySearch.store.path", .exclusive),
        ]
        for (text, sharing) in expected {
            #expect(ConfigSharing.of(try ConfigPath(parsing: text)) == sharing, "\(text)")
        }
    }

    @Test func copiesCommentsAndReferences() throws {
        let text = """
            { // first
              a: { keep: "x", drop: "${GONE}", use: "${KEPT}" }, // second
              env: { vars: { KEPT: "${INNER}", INNER: "1", OTHER: "2" } },
              list: ["one", "two", "three"],
            }
            """
        let snapshot = ConfigLoader.load(text: text, path: "/nowhere/jarvis.json", environment: [:])
        let copy = try ConfigCopy(of: snapshot) { path, value in
            switch path.description {
            case "a.drop": .remove("gone")
            case "a.keep": .replace("y", "other")
            case "list[0]", "list[2]": .remove("gone")
            default:
                path.elements.first == .key("env") && value.objectValue == nil ? .removeUnlessUsed("unused") : .keep
            }
        }
        #expect(copy.comments == ["// first", "// second"])
        #expect(copy.variables == ["KEPT", "INNER"])
        let value = try JSON5.parse(copy.text)
        #expect(value["a"] == ["keep": "y", "use": "${KEPT}"])
        #expect(value["env"]?["vars"] == ["KEPT": "${INNER}", "INNER": "1"])
        #expect(value["list"] == ["two"])
        #expect(copy.changes.map(\.path.description) == ["a.keep", "a.drop", "env.vars.OTHER", "list[0]", "list[2]"])
    }

    @Test func takesTheLinesOfVariables() {
        let file = Array("# note\nA=1\nexport B='two'\nC=3\nnonsense\n".utf8)
        #expect(
            String(decoding: ConfigCopy.lines(of: file, setting: ["B", "C"]), as: UTF8.self) == "export B='two'\nC=3\n")
        #expect(ConfigCopy.lines(of: file, setting: []).isEmpty)
    }
}
