import Foundation
import JarvisConfig
import JarvisCore
import Testing

@Suite struct ConfigStoreTests {
    private let file = """
        // Mine.
        {
          gateway: {
            mode: 'local', // here
            port: 18789,
            auth: { token: '${TOKEN}' },
          },
          channels: { telegram: { botToken: 'bt-1' } },
        }

        """

    @Test func setKeepsEverythingElse() throws {
        let fixture = try ConfigFixture(file)
        let store = fixture.store(["TOKEN": "t-1"])
        let result = try store.set(path("gateway.port"), to: 19001, actor: "cli")
        #expect(result.changed.map(\.description) == ["gateway.port"])
        #expect(result.reload.action == .restart && result.undoId != nil && result.notices == [])
        let text = try fixture.read()
        let stamp =
            "  meta: {\n    lastTouchedVersion: '1.2.3',\n    lastTouchedAt: '2023-11-14T22:13:20.000Z',\n  },\n}"
        #expect(text == file.replacing("18789", with: "19001").replacing("} },\n}", with: "} },\n" + stamp))
        #expect(store.load().config.gateway.port == 19001)
        #expect(try fixture.read("jarvis.json.bak") == file)
        #expect(result.hash == store.load().hash)
        let again = try store.set(path("gateway.port"), to: 19001, actor: "cli")
        #expect(again.undoId == nil && again.changed == [])
        #expect(try fixture.read() == text)
    }

    @Test func createsTheFile() throws {
        let fixture = try ConfigFixture()
        let result = try fixture.store().set(path("gateway.mode"), to: "local", actor: "cli")
        #expect(result.previousHash == nil)
        #expect(fixture.load().config.gateway.mode == .local)
        _ = try JSONParser.parse(fixture.read())
        let leftovers = try FileManager.default.contentsOfDirectory(atPath: fixture.directory).filter {
            $0.hasPrefix(".jarvis-tmp")
        }
        #expect(leftovers == [])
    }

    @Test func everyFileIsPrivate() throws {
        let fixture = try ConfigFixture(file)
        let store = fixture.store(["TOKEN": "t"])
        for port in 1...3 { _ = try store.set(path("gateway.port"), to: JSONValue(port), actor: "cli") }
        let paths = try #require(FileManager.default.enumerator(atPath: fixture.directory)?.allObjects as? [String])
        #expect(paths.count > 8)
        for path in paths {
            let mode = try #require(
                FileManager.default.attributesOfItem(atPath: fixture.directory + "/" + path)[.posixPermissions] as? Int)
            #expect(mode & 0o077 == 0, "\(path)")
        }
    }

    @Test func keepsFiveBackups() throws {
        let fixture = try ConfigFixture("{ gateway: { port: 1 } }")
        let store = fixture.store()
        for port in 2...8 { _ = try store.set(path("gateway.port"), to: JSONValue(port), actor: "cli") }
        for (name, port) in [(".bak", 7), (".bak.1", 6), (".bak.2", 5), (".bak.3", 4), (".bak.4", 3)] {
            #expect(try fixture.read("jarvis.json" + name).contains("port: \(port)"))
        }
        #expect(!DurableFile.exists(fixture.path + ".bak.5"))
    }

    @Test func refusesWhatIsWrong() throws {
        let fixture = try ConfigFixture(file)
        let store = fixture.store(["TOKEN": "t-1"])
        func code(_ body: () throws -> ConfigWriteResult) -> String {
            do {
                return "wrote \(try body().hash)"
            } catch {
                return (error as? JarvisError)?.code.rawValue ?? "\(error)"
            }
        }
        #expect(code { try store.set(path("gateway.port"), to: "abc", actor: "cli") } == "config.invalid")
        #expect(code { try store.set(path("gateway.port.x"), to: 1, actor: "cli") } == "config.path")
        #expect(code { try store.unset(path("gateway.bind"), actor: "cli") } == "config.notFound")
        #expect(code { try store.replace(raw: "{ a: ", actor: "rpc", base: .current) } == "config.parse")
        #expect(code { try store.replace(raw: "[]", actor: "rpc", base: .current) } == "config.invalid")
        #expect(code { try store.patch([], actor: "rpc", base: .current) } == "config.invalid")
        #expect(code { try store.undo("nope", actor: "cli") } == "config.notFound")
        #expect(
            code { try store.set(path("gateway.auth.password"), to: .string(Secret.sentinel), actor: "cli") }
                == "config.sentinel")
        #expect(try fixture.read() == file)
        #expect(store.journal().map(\.event) == ["first-seen"])
    }

    @Test func anErrorThatWasThereDoesNotBlock() throws {
        let fixture = try ConfigFixture("{ gateway: { port: 'x', bind: 'y' } }")
        let result = try fixture.store().set(path("gateway.bind"), to: "lan", actor: "cli")
        #expect(result.snapshot.errors.map(\.path) == ["gateway.port"])
        let reference = try fixture.store().set(path("gateway.auth.token"), to: "${NOT_HERE}", actor: "cli")
        #expect(
            reference.notices == [
                "gateway.auth.token: the environment variable NOT_HERE is not set or empty; the setting is ignored"
            ])
    }

    @Test func anUnreadableFileIsNotOverwritten() throws {
        let fixture = try ConfigFixture("{ a: ")
        let store = fixture.store()
        do {
            let error = failure { try store.set(path("gateway.port"), to: 1, actor: "cli") }
            #expect(
                error?.code == "config.parse" && error?.message.contains("line 1, column 6") == true
                    && error?.message.contains("nothing was written") == true)
        }
        #expect(try fixture.read() == "{ a: ")
        let hash = store.load().hash
        _ = try store.replace(raw: "{ gateway: { port: 1 } }", actor: "cli", base: .hash(hash))
        #expect(store.load().config.gateway.port == 1)
    }

    // MARK: Base hash

    @Test func wantsTheBaseHash() throws {
        let fixture = try ConfigFixture()
        let store = fixture.store()
        let first = try store.replace(
            raw: "{ gateway: { port: 1 }, ui: { seamColor: '#111111' } }", actor: "rpc", base: .hash(nil))
        do {
            let error = failure { try store.patch(["gateway": ["port": 2]], actor: "rpc", base: .hash(nil)) }
            #expect(
                error?.code == "config.baseHashRequired"
                    && error?.message == "config base hash required; re-run config.get and retry")
        }
        do {
            let error = failure {
                try store.patch(["gateway": ["port": 2]], actor: "rpc", base: .hash(String(repeating: "0", count: 64)))
            }
            #expect(
                error?.code == "config.stale" && error?.message.hasPrefix("config changed since last load; ") == true)
        }
        let second = try store.patch(["gateway": ["port": 2]], actor: "rpc", base: .hash(first.hash))
        // Another client still has the first reading.
        do {
            let error = failure { try store.patch(["gateway": ["port": 3]], actor: "rpc", base: .hash(first.hash)) }
            #expect(error?.metadata["paths"] == "gateway.port")
        }
        let third = try store.patch(["ui": ["seamColor": "#222222"]], actor: "rpc", base: .hash(first.hash))
        #expect(third.notices == ["kept what was changed meanwhile: gateway.port"])
        #expect(third.snapshot.config.gateway.port == 2 && third.snapshot.config.ui.seamColor == "#222222")
        let fourth = try store.replace(
            raw: "{ gateway: { port: 2 }, ui: { seamColor: '#111111' }, logging: { level: 'debug' } }", actor: "rpc",
            base: .hash(second.hash))
        #expect(fourth.snapshot.config.ui.seamColor == "#222222" && fourth.snapshot.config.logging.level == "debug")
    }

    @Test func parallelWritersLoseNothing() async throws {
        let fixture = try ConfigFixture("{}")
        let stores = (0..<4).map { _ in fixture.store() }
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<24 {
                group.addTask {
                    do {
                        _ = try stores[index % 4].set(
                            ConfigPath("channels", "c\(index)", "enabled"), to: true, actor: "cli")
                    } catch {
                        Issue.record("\(error)")
                    }
                }
            }
        }
        let parsed = fixture.load().parsed["channels"]?.objectValue
        #expect(parsed?.count == 24)
        #expect(fixture.store().journal().count == 25)
    }

    // MARK: Patches

    @Test func mergesPatches() throws {
        let fixture = try ConfigFixture(
            "{ agents: { list: [ { id: 'a', name: 'A' }, { id: 'b', name: 'B' } ] }, gateway: { port: 1, trustedProxies: ['x'] } }"
        )
        let result = try fixture.store().patch(
            [
                "agents": ["list": [["id": "b", "name": .null, "workspace": "/w"], ["id": "c", "name": .null]]],
                "gateway": ["port": .null, "trustedProxies": ["y", "z"], "auth": ["mode": "none", "token": .null]],
            ], actor: "rpc", base: .current)
        let parsed = result.snapshot.parsed
        #expect(parsed["agents"]?["list"] == [["id": "a", "name": "A"], ["id": "b", "workspace": "/w"], ["id": "c"]])
        #expect(parsed["gateway"] == ["trustedProxies": ["y", "z"], "auth": ["mode": "none"]])
    }

    @Test func sentinelsKeepSecrets() throws {
        let fixture = try ConfigFixture(file)
        let store = fixture.store(["TOKEN": "t-1"])
        let snapshot = store.load()
        let shown = try #require(snapshot.redactedRaw())
        #expect(!shown.contains("bt-1"))
        let edited = shown.replacing("18789", with: "19001").replacing("// here", with: "// there")
        let result = try store.replace(raw: edited, actor: "rpc", base: .hash(snapshot.hash))
        let text = try fixture.read()
        #expect(text.contains("botToken: 'bt-1'") && text.contains("'${TOKEN}'") && text.contains("// there"))
        #expect(result.changed.map(\.description) == ["gateway.port"])
        _ = try store.patch(result.snapshot.redacted(), actor: "rpc", base: .hash(result.hash))
        #expect(try fixture.read().contains("'${TOKEN}'"))
        let list = try ConfigFixture(
            "{ channels: { x: { accounts: [ { id: 'a', token: 't-a' }, { id: 'b', token: 't-b' } ] } } }")
        let patch: JSONValue = [
            "accounts": [
                ["id": "b", "token": .string(Secret.sentinel)], ["id": "a", "token": .string(Secret.sentinel)],
            ]
        ]
        _ = try list.store().set(path("channels.x"), to: patch, actor: "cli")
        let text2 = try list.read()
        #expect(text2.contains("{ id: 'b', token: 't-b' }") && text2.contains("{ id: 'a', token: 't-a' }"))
    }

    // MARK: Includes

    @Test func includedFilesAreOverriddenNotChanged() throws {
        let fixture = try ConfigFixture("{ $include: 'base.json5' }")
        let base = "{ gateway: { port: 1, trustedProxies: ['a'] } }"
        try fixture.write(base, to: "base.json5")
        let store = fixture.store()
        let result = try store.set(path("gateway.port"), to: 2, actor: "cli")
        #expect(result.snapshot.config.gateway.port == 2)
        #expect(result.notices.first?.contains("base.json5, which was not changed") == true)
        #expect(try fixture.read("base.json5") == base)
        #expect(try fixture.read().contains("$include: 'base.json5'"))
        #expect(throws: JarvisError.self) { try store.set(path("gateway.trustedProxies"), to: ["b"], actor: "cli") }
        #expect(throws: JarvisError.self) { try store.unset(path("gateway.trustedProxies"), actor: "cli") }
        #expect(store.load().config.gateway.trustedProxies == ["a"])
        try fixture.write("{ broken", to: "base.json5")
        #expect(!store.load().isUsable)
        let good = try #require(store.loadLastGood())
        #expect(good.config.gateway.port == 2 && good.config.gateway.trustedProxies == ["a"])
        #expect(good.warnings.first?.message.contains("last good") == true)
    }

    // MARK: Journal

    @Test func journalsAndUndoes() throws {
        let fixture = try ConfigFixture(file)
        let store = fixture.store(["TOKEN": "t-1"])
        let first = try store.set(path("channels.telegram.botToken"), to: "bt-2", actor: "ui")
        let second = try store.set(path("gateway.port"), to: 2, actor: "cli")
        let entries = store.journal()
        #expect(entries.map(\.event) == ["set", "set", "first-seen"])
        #expect(
            entries[0].keys == ["gateway.port"] && entries[0].before == ["gateway.port": 18789]
                && entries[0].after == ["gateway.port": 2])
        #expect(entries[0].actor == "cli" && entries[0].previousHash == first.hash && entries[0].hash == second.hash)
        #expect(entries[1].after == ["channels.telegram.botToken": .string(Secret.sentinel)])
        #expect(!(try fixture.read("logs/config-audit.jsonl")).contains("bt-"))
        let undone = try store.undo(try #require(first.undoId), actor: "cli")
        #expect(undone.changed.map(\.description) == ["channels.telegram.botToken"])
        #expect(undone.snapshot.config.gateway.port == 2)
        #expect(try fixture.read().contains("'bt-1'"))
        _ = try store.set(path("gateway.port"), to: 3, actor: "cli")
        #expect(throws: JarvisError.self) { try store.undo(try #require(second.undoId), actor: "cli") }
        let last = try #require(store.journal().first?.undoId)
        #expect(try store.undo(last, actor: "cli").snapshot.config.gateway.port == 2)
    }

    @Test func undoBringsTheTextBack() throws {
        let fixture = try ConfigFixture(file)
        let store = fixture.store(["TOKEN": "t-1"])
        let wiped = try store.replace(raw: "{}", actor: "ui", base: .current)
        #expect(store.journal().first?.suspicious.contains("gateway-mode-removed") == true)
        _ = try store.undo(try #require(wiped.undoId), actor: "cli")
        #expect(try fixture.read().hasPrefix("// Mine.") && fixture.read().contains("// here"))
        #expect(store.load().config.gateway.port == 18789)
    }

    @Test func seesExternalEdits() throws {
        let many = (0..<20).map { "    c\($0): { enabled: true }," }.joined(separator: "\n")
        let fixture = try ConfigFixture("{ gateway: { mode: 'local' },\n  channels: {\n\(many)\n  },\n}")
        let store = fixture.store()
        #expect(try store.recordExternalEdit()?.event == "first-seen")
        #expect(try store.recordExternalEdit() == nil)
        _ = try store.set(path("gateway.port"), to: 5, actor: "cli")
        #expect(try store.recordExternalEdit() == nil)
        try fixture.write(fixture.read().replacing("port: 5", with: "port: 6"))
        let edit = try #require(try store.recordExternalEdit())
        #expect(edit.actor == "external" && edit.keys == ["gateway.port"] && edit.suspicious == [])
        try fixture.write("{ }")
        let wipe = try #require(try store.recordExternalEdit())
        #expect(wipe.suspicious == ["size-drop", "keys-dropped", "missing-meta", "gateway-mode-removed"])
        try fixture.write("{")
        let broken = try #require(try store.recordExternalEdit())
        #expect(broken.suspicious == ["unparseable"])
        #expect(failure { try store.undo(wipe.undoId, actor: "cli") }?.code == "config.parse")
        #expect(try store.undo(broken.undoId, actor: "cli").snapshot.isUsable)
        let undone = try store.undo(wipe.undoId, actor: "cli")
        #expect(undone.snapshot.config.gateway.port == 6)
        #expect(try fixture.read().hasPrefix("{ gateway: {"))
    }

    @Test func keepsTheLastGoodVersion() throws {
        let fixture = try ConfigFixture(file)
        let store = fixture.store(["TOKEN": "t-1"])
        #expect(store.loadLastGood() == nil)
        try store.markGood(store.load())
        try fixture.write("{ oops")
        #expect(!store.load().isUsable)
        #expect(store.loadLastGood()?.config.gateway.auth.token?.reveal() == "t-1")
    }

    @Test func refusesLinks() throws {
        let fixture = try ConfigFixture()
        try fixture.write("{ gateway: { port: 1 } }", to: "real.json")
        #expect(symlink("real.json", fixture.path) == 0)
        #expect(fixture.load().config.gateway.port == 1)
        do {
            let error = failure { try fixture.store().set(path("gateway.port"), to: 2, actor: "cli") }
            #expect(error?.code == "config.symlink")
        }
        #expect(try fixture.read("real.json") == "{ gateway: { port: 1 } }")
    }

    @Test func aHeldLockIsAnError() throws {
        let fixture = try ConfigFixture("{}")
        let holder = open(fixture.directory + "/.jarvis.json.lock", O_RDWR | O_CREAT, 0o600)
        defer { close(holder) }
        #expect(flock(holder, LOCK_EX) == 0)
        let store = ConfigStore(
            path: fixture.path, stateDirectory: fixture.directory, environment: [:], version: "1", lockTimeoutMs: 20)
        do {
            let error = failure { try store.set(path("gateway.port"), to: 2, actor: "cli") }
            #expect(error?.code == "config.locked" && error?.exitCode == 2)
        }
        #expect(try fixture.read() == "{}")
    }
}

private func failure(_ body: () throws -> ConfigWriteResult) -> JarvisError? {
    do {
        _ = try body()
        return nil
    } catch {
        return error as? JarvisError
    }
}
