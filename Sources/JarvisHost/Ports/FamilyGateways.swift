// lint: family names — the other gateways of the family, whose ports are left alone.
import JarvisCore
import JarvisFormats

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A gateway of the same family that is not JARVIS: found by its state directory in the home, known by its ports.
/// Only its configuration's port is read; nothing of it is ever changed.
package struct FamilyGateway: Sendable, Hashable {
    /// The program, with its profile where it has one: `openclaw`, `openclaw (rescue)`.
    package var name: String
    /// Its state directory.
    package var stateDirectory: String
    /// The port that its configuration names, else the program's default.
    package var base: Int
    /// Whether it derives the same ports from its base as JARVIS does.
    package var hasSpan: Bool

    /// The ports that it uses for sure.
    package var ports: [Int] { hasSpan ? [base, base + 2] : [base] }

    /// Whether a gateway with this base would meet it: the spans for one that has a span, else base or control port.
    package func isInTheWay(of base: Int) -> Bool {
        hasSpan ? abs(self.base - base) < PortPlan.blockSize : self.base == base || self.base == base + 2
    }

    private struct Program {
        var name: String
        var directory: String
        var config: String
        var port: Int
        var hasSpan = false
    }

    /// From the programs' own documentation: default port and the place of the configuration.
    private static let programs = [
        Program(name: "openclaw", directory: ".openclaw", config: "openclaw.json", port: 18_789, hasSpan: true),
        Program(name: "clawdbot", directory: ".clawdbot", config: "clawdbot.json", port: 18_789, hasSpan: true),
        Program(name: "moltbot", directory: ".moltbot", config: "moltbot.json", port: 18_789, hasSpan: true),
        Program(name: "nanobot", directory: ".nanobot", config: "config.json", port: 18_790),
        Program(name: "picoclaw", directory: ".picoclaw", config: "config.json", port: 18_790),
        Program(name: "zeroclaw", directory: ".zeroclaw", config: "config.toml", port: 42_617),
        Program(name: "nullclaw", directory: ".nullclaw", config: "config.json", port: 3000),
    ]

    /// Ports at which one of them may listen without a state directory in this home: another user's.
    package static let wellKnownPorts: [Int] = Array(
        Set(programs.flatMap { $0.hasSpan ? [$0.port, $0.port + 2] : [$0.port] })
    ).sorted()

    /// Those that are set up under `home`: a directory counts when it holds a configuration. At most 64. Reads only.
    package static func installed(home: String) -> [FamilyGateway] {
        var found: [FamilyGateway] = []
        for name in DirectoryNames.list(home) where name.hasPrefix(".") && found.count < 64 {
            guard let program = programs.first(where: { name == $0.directory || name.hasPrefix($0.directory + "-") })
            else { continue }
            let state = HostPath.join(home, name)
            let config = HostPath.join(state, program.config)
            guard DurableFile.exists(config) else { continue }
            let profile = name.dropFirst(program.directory.count + 1)
            found.append(
                FamilyGateway(
                    name: profile.isEmpty ? program.name : "\(program.name) (\(profile))", stateDirectory: state,
                    base: port(config) ?? program.port, hasSpan: program.hasSpan))
        }
        return found.sorted { $0.stateDirectory < $1.stateDirectory }
    }

    /// `gateway.port` of a configuration in JSON5, or of a `[gateway]` table in TOML; nil when it says none.
    private static func port(_ config: String) -> Int? {
        let bytes = try? DurableFile.read(config, limit: 2 << 20)  // unreadable: the default port counts
        guard let bytes else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        let said = config.hasSuffix(".toml") ? tomlPort(text) : json5Port(text)
        return said.flatMap { (1...PortSpan.highestBase).contains($0) ? $0 : nil }
    }

    private static func json5Port(_ text: String) -> Int? {
        let json = try? JSON5.parse(text)  // malformed: the default port counts
        return json?["gateway"]?["port"]?.intValue
    }

    private static func tomlPort(_ text: String) -> Int? {
        var isGateway = false
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "=" })
            guard let first = words.first else { continue }
            if first.hasPrefix("[") { isGateway = first == "[gateway]" }
            if isGateway, first == "port", words.count > 1 { return Int(words[1]) }
        }
        return nil
    }
}
