import Foundation
import JarvisConfig
import JarvisCore
import Testing

@Suite struct ConfigLoaderTests {
    @Test func aMissingFileIsAllDefaults() throws {
        let snapshot = try ConfigFixture().load()
        #expect(!snapshot.exists && snapshot.isUsable && snapshot.isValid)
        #expect(snapshot.hash == nil)
        let config = snapshot.config
        #expect(config.gateway.port == nil && config.gateway.mode == nil && config.gateway.bind == .loopback)
        #expect(config.gateway.reload.mode == .hybrid && config.gateway.reload.debounceMs == 300)
        #expect(config.gateway.auth.rateLimit.maxAttempts == 10 && config.gateway.auth.rateLimit.exemptLoopback)
        #expect(config.gateway.auth.rateLimit.lockoutMs == 300_000 && config.gateway.auth.effectiveMode == .token)
        #expect(config.gateway.controlUi.enabled)
        #expect(config.agents.defaultId == "main" && config.agents.defaults.timeoutSeconds == 600)
        #expect(
            config.session.mainKey == "main" && config.session.reset.atHour == 4
                && config.session.resetTriggers == ["/new", "/reset"])
        #expect(config.session.reset.mode == "daily" && config.session.reset.idleMinutes == nil)
        #expect(config.logging.level == "info" && config.logging.consoleLevel == "info")
        #expect(config.commands.text && config.commands.restart && !config.commands.bash)
    }

    @Test func readsTypedValues() {
        let snapshot = load(
            """
            { gateway: { port: 19001, mode: "local", bind: "lan", auth: { mode: "trusted-proxy", trustedProxy: { userHeader: "x-user" } } },
              agents: { defaults: { model: "local/small" }, list: [ { id: "Main" }, { id: "work", default: true, model: { primary: "a/b", fallbacks: ["c/d", "a/b"] } } ] },
              models: { providers: { local: { baseUrl: "http://127.0.0.1:1/v1", headers: { "x-a": "b" }, models: [ { id: "small" }, { id: "m/n", contextWindow: 9, cost: { input: 1 } } ] } } },
              session: { idleMinutes: 30, resetByType: { group: { mode: "idle" } } } }
            """)
        #expect(messages(snapshot.issues) == [])
        let config = snapshot.config
        #expect(config.gateway.port == 19001 && config.gateway.mode == .local && config.gateway.bind == .lan)
        #expect(config.gateway.auth.mode == .trustedProxy && config.gateway.auth.trustedProxy?.userHeader == "x-user")
        #expect(config.agents.list.map(\.id) == ["main", "work"] && config.agents.defaultId == "work")
        #expect(config.agents.agent("work")?.model.chain == ["a/b", "c/d"])
        #expect(config.agents.defaults.model.primary == "local/small")
        let small = config.models.resolve("local/small")
        #expect(
            small?.model.contextWindow == 200_000 && small?.model.maxTokens == 8192 && small?.model.input == ["text"])
        #expect(
            small?.model.reasoning == false && small?.model.name == "small" && small?.model.api == "openai-completions")
        #expect(small?.provider.headers.first?.value.reveal() == "b")
        #expect(config.models.resolve("local/m/n")?.model.cost.input == 1)
        #expect(config.session.reset.mode == "idle" && config.session.reset.idleMinutes == 30)
        #expect(config.session.resetByType["group"]?.idleMinutes == 30)
    }

    @Test func badValuesDisableOnlyTheirSection() {
        let snapshot = load(
            """
            {
              gateway: { port: "abc", mode: "local", bind: "lann" },
              logging: 5,
              models: { providers: { good: { baseUrl: "http://h/v1" }, bad: { baseUrl: 7 } } },
              agents: { list: [ { id: "a" }, { name: "no id" }, { id: "A" } ] },
            }
            """)
        #expect(snapshot.isUsable && !snapshot.isValid)
        #expect(
            messages(snapshot.errors) == [
                "gateway.port: expected an integer from 1 to 65535, found \"abc\"; the setting is ignored",
                "gateway.bind: expected one of \"loopback\", \"lan\", \"tailnet\", \"auto\", \"custom\", found \"lann\"; the default \"loopback\" is used",
                "logging: expected an object, found 5; the setting is ignored",
                "models.providers.bad.baseUrl: expected an address that begins with http:// or https://, found 7; the setting is ignored",
                "agents.list[1]: an agent needs an id; it is ignored",
                "agents.list[2]: a second agent with the id \"a\"; it is ignored",
            ])
        #expect(snapshot.errors.first?.line == 2 && snapshot.errors.first?.column == 14)
        #expect(
            snapshot.disabledSections == [
                "gateway", "logging", "models.providers.bad", "agents.list[1]", "agents.list[2]",
            ])
        let config = snapshot.config
        #expect(config.gateway.port == nil && config.gateway.mode == .local && config.gateway.bind == .loopback)
        #expect(config.logging.level == "info")
        #expect(config.models.provider("good")?.disabledReason == nil)
        #expect(config.models.provider("bad")?.disabledReason != nil)
        #expect(config.agents.list.map(\.id) == ["a"])
    }

    @Test func unknownKeysAreWarningsWithASuggestion() {
        let snapshot = load(
            "{ gatway: {}, $schema: 'x', gateway: { prot: 1, controlUI: {}, qqqqqq: 1 }, channels: { anything: { goes: 1 } }, hooks: { x: { y: 1 } } }"
        )
        #expect(snapshot.isValid)
        #expect(
            messages(snapshot.warnings) == [
                "gatway: unknown key, ignored. Did you mean gateway?",
                "gateway.prot: unknown key, ignored. Did you mean gateway.port?",
                "gateway.controlUI: unknown key, ignored. Did you mean gateway.controlUi?",
                "gateway.qqqqqq: unknown key, ignored.",
            ])
        #expect(snapshot.config.section("channels") == ["anything": ["goes": 1]])
    }

    @Test func manyUnknownKeysAreCounted() {
        let keys = (0..<20_000).map { "k\($0): 1" }.joined(separator: ",")
        let snapshot = load("{\(keys)}")
        #expect(snapshot.issues.count == 101)
        #expect(snapshot.issues.last?.message == "19900 more unknown keys, ignored")
    }

    @Test(arguments: [
        ("", 1, 1), ("{ a: 1", 1, 7), ("{\n  a: 1\n  b: 2 }", 3, 3), ("{ a: 1, a: 2 }", 1, 9), ("[1]", 1, 1),
        ("7", 1, 1),
        (String(repeating: "[", count: 100_000), 1, 257), ("{ a: 1 } x", 1, 10),
    ])
    func anUnreadableFileIsFatalWithItsPlace(_ text: String, _ line: Int, _ column: Int) {
        let snapshot = load(text)
        #expect(!snapshot.isUsable && snapshot.exists && snapshot.hash != nil)
        #expect(snapshot.issues.count == 1)
        #expect(snapshot.issues.first?.line == line && snapshot.issues.first?.column == column)
        #expect(snapshot.config.gateway.bind == .loopback)
        #expect(snapshot.redactedRaw() == nil)
    }

    @Test func resolvesVariables() throws {
        let fixture = try ConfigFixture(
            """
            { env: { FROM_ENV: "e1", vars: { FROM_VARS: "v1", FROM_PROCESS: "no", VIA: "x-${FROM_PROCESS}" } },
              ui: { assistant: { name: "${FROM_PROCESS}/${FROM_FILE}/${FROM_ENV}/${FROM_VARS}/${VIA}", avatar: "$${FROM_ENV} ${lower} $FROM_ENV ${} ${1A} $$" } } }
            """)
        try fixture.write("# c\nexport FROM_FILE=\"f 1\" \nFROM_PROCESS=no\nFROM_VARS2='x' # y\nbad line\n", to: ".env")
        let snapshot = fixture.load(["FROM_PROCESS": "p1"])
        #expect(snapshot.isValid)
        #expect(messages(snapshot.warnings) == ["env: expected NAME=value; the line is ignored"])
        #expect(snapshot.config.ui.assistantName == "p1/f 1/e1/v1/x-p1")
        #expect(snapshot.config.ui.assistantAvatar == "${FROM_ENV} ${lower} $FROM_ENV ${} ${1A} $$")
        #expect(snapshot.environmentValue("FROM_VARS2")?.reveal() == "x")
        #expect(snapshot.addedEnvironment()["FROM_PROCESS"] == nil)
        #expect(snapshot.addedEnvironment()["FROM_FILE"]?.reveal() == "f 1")
    }

    @Test func anUnsetVariableNamesItselfAndItsPath() {
        let snapshot = load(
            "{ gateway: { mode: 'local', auth: { token: '${NO_SUCH}' } },\n models: { providers: { x: { apiKey: '${EMPTY}', baseUrl: 'http://h' } } } }",
            ["EMPTY": ""])
        #expect(snapshot.isUsable)
        #expect(
            messages(snapshot.errors) == [
                "gateway.auth.token: the environment variable NO_SUCH is not set or empty; the setting is ignored",
                "models.providers.x.apiKey: the environment variable EMPTY is not set or empty; the setting is ignored",
            ])
        #expect(snapshot.errors.last?.line == 2)
        #expect(snapshot.disabledSections == ["gateway.auth", "models.providers.x"])
        #expect(snapshot.config.gateway.auth.isBroken && snapshot.config.gateway.auth.token == nil)
        #expect(snapshot.config.gateway.mode == .local)
        #expect(snapshot.config.models.provider("x")?.disabledReason != nil)
    }

    @Test func resolvesSecretReferences() {
        let snapshot = load(
            """
            { gateway: { auth: { token: { source: "env", provider: "default", id: "TOK" }, password: { source: "file", id: "/x" } } },
              models: { providers: { p: { apiKey: { source: "env", id: "NONE" } } } } }
            """, ["TOK": "s3cret"])
        #expect(snapshot.config.gateway.auth.token?.reveal() == "s3cret")
        #expect(snapshot.config.gateway.auth.password == nil)
        #expect(snapshot.warnings.count == 1 && snapshot.warnings.first?.path == "gateway.auth.password")
        #expect(
            messages(snapshot.errors) == [
                "models.providers.p.apiKey: the environment variable NONE is not set or empty; the setting is ignored"
            ])
        #expect(snapshot.value(at: ConfigPath("gateway", "auth", "token")) == .string(Secret.sentinel))
        #expect(snapshot.parsed["gateway"]?["auth"]?["token"]?["id"] == "TOK")
    }

    @Test func secretsStayInside() throws {
        let text = """
            // top
            { gateway: { auth: { token: "literal-token", password: '${PW}' } }, // keep
              env: { vars: { OPENAI_API_KEY: "sk-1" } },
              models: { providers: { p: { apiKey: "sk-2", headers: { Authorization: "Bearer sk-3" } } } },
              channels: { telegram: { botToken: "bt-1", name: "n", url: "https://u:pw-9@h/x" } }, hooks: { token: "ht-1" }, ui: { assistant: { name: "${NAME}" } } }
            """
        let snapshot = load(text, ["PW": "pw-1", "NAME": "nm-1"])
        #expect(snapshot.isValid)
        let shown = [
            JSONWriter.string(snapshot.redacted()), snapshot.redactedRaw() ?? "", JSONWriter.string(snapshot.parsed),
            "\(snapshot)",
            snapshot.config.section("channels").map(JSONWriter.string) ?? "", "\(snapshot.config.gateway.auth)",
            "\(snapshot.config)",
            String(reflecting: snapshot), messages(snapshot.issues).joined(),
        ]
        for secret in ["literal-token", "pw-1", "sk-1", "sk-2", "sk-3", "bt-1", "ht-1", "nm-1", "pw-9"] {
            for text in shown.prefix(5) { #expect(!text.contains(secret), "\(secret) in \(text)") }
            if secret != "nm-1" {
                for text in shown.dropFirst(5) { #expect(!text.contains(secret), "\(secret) in \(text)") }
            }
        }
        #expect(snapshot.redactedRaw()?.contains("// keep") == true)
        #expect(snapshot.redactedRaw()?.contains("'${PW}'") == true)
        #expect(snapshot.config.gateway.auth.token?.reveal() == "literal-token")
        #expect(snapshot.secret(at: try path("channels.telegram.botToken"))?.reveal() == "bt-1")
        #expect(snapshot.config.ui.assistantName == "nm-1")
        var dumped = ""
        dump(snapshot.config.gateway.auth, to: &dumped)
        #expect(!dumped.contains("literal-token"))
    }

    @Test func hooksTokenMustDiffer() {
        let snapshot = load("{ gateway: { auth: { token: 't' } }, hooks: { token: 't' } }")
        #expect(
            messages(snapshot.errors) == ["hooks.token: must differ from gateway.auth.token; the setting is ignored"])
    }

    @Test func changesOfSecretsAreSeen() throws {
        let old = load("{ gateway: { auth: { token: 'a' }, port: 1 }, agents: { list: [{ id: 'a' }] } }")
        let new = load("{ gateway: { auth: { token: 'b' }, port: 1 }, agents: { list: [{ id: 'a' }, { id: 'b' }] } }")
        #expect(new.changedPaths(since: old).map(\.description) == ["gateway.auth.token", "agents.list"])
        #expect(load("{}", [:]).changedPaths(since: load("{/* c */}")) == [])
    }

    @Test func refusesDevicesAndLargeFiles() throws {
        let fixture = try ConfigFixture()
        #expect(mkfifo(fixture.path, 0o600) == 0)
        #expect(fixture.load().issues.first?.message == "the configuration can't be read: it is not a regular file")
        #expect(!fixture.load().isUsable)
        #expect(ConfigLoader.load(path: "/dev/zero", environment: [:]).isUsable == false)
        #expect(
            ConfigLoader.load(path: fixture.directory, environment: [:]).issues.first?.message.contains("directory")
                == true)
        unlink(fixture.path)
        try fixture.write("{ a: '" + String(repeating: "x", count: 2 << 20) + "' }")
        #expect(fixture.load().issues.first?.message.contains("larger than 2 MiB") == true)
    }
}
