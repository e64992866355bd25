import JarvisConfig
import JarvisCore
import Testing

@Suite struct ConfigFuzzTests {
    private struct Random: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ state >> 33
        }
    }

    /// However a configuration is mangled, reading it ends in a snapshot that says what is wrong, shows no secret and
    /// has typed values in their ranges.
    @Test func mangledConfigurationsAreRead() {
        let text = """
            // c
            { gateway: { mode: 'local', port: 18789, bind: "loopback", auth: { mode: 'token', token: 'SECRET-1' }, reload: { debounceMs: 5 } },
              agents: { defaults: { model: { primary: 'p/m', fallbacks: [] } }, list: [ { id: 'a', default: true } ] },
              models: { providers: { p: { baseUrl: 'http://127.0.0.1/v1', apiKey: "${KEY}", models: [ { id: 'm', cost: { input: .5 } } ] } } },
              session: { reset: { mode: 'idle', idleMinutes: 0x10 } }, logging: { level: 'info' }, env: { vars: { A: 'SECRET-2' } } }
            """
        var random = Random(state: 42)
        let pieces: [[UInt8]] =
            [
                "{", "}", "[", "]", ",", ":", "'", "\"", "null", "-1", "1e999", "NaN", "true", "{}", "[]", "${", "//",
                "/*", "\\", "\n", "$include:'x',",
            ].map { Array($0.utf8) } + [[0xFF], [0xC3], [0]]
        for _ in 0..<800 {
            var bytes = Array(text.utf8)
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                let end = min(bytes.count, at + Int.random(in: 0...4, using: &random))
                bytes.replaceSubrange(at..<end, with: pieces.randomElement(using: &random) ?? [])
            }
            let snapshot = load(String(decoding: bytes, as: UTF8.self), ["KEY": "SECRET-3"])
            if !snapshot.isUsable { #expect(!snapshot.errors.isEmpty) }
            let port = snapshot.config.gateway.port
            #expect(port.map { (1...65535).contains($0) } ?? true)
            #expect(!JSONWriter.string(snapshot.redacted()).contains("SECRET-3"))
            for issue in snapshot.issues { #expect(!issue.message.contains("SECRET-3")) }
            #expect(!(snapshot.config.agents.defaultId.isEmpty))
        }
    }

    @Test func bombsEndInAnAnswer() {
        let digits = String(repeating: "9", count: 1_000_000)
        #expect(load("{ gateway: { port: \(digits) } }").errors.first?.path == "gateway.port")
        #expect(!load(String(repeating: "{a:", count: 600_000)).isUsable)
        #expect(!load("{ a: '" + String(repeating: "\\u0041", count: 300_000)).isUsable)
        #expect(
            load("{ ui: { assistant: { name: '" + String(repeating: "${A}", count: 100_000) + "' } } }").errors.count
                == 1)
        #expect(load("{ channels: { " + (0..<50_000).map { "k\($0):{}" }.joined(separator: ",") + "} }").isValid)
    }
}
