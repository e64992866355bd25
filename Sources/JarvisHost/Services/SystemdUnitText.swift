/// The text of a systemd unit: writing ours, and reading any.
package enum SystemdUnitText {
    /// The unit as systemd reads it. The same value gives the same bytes.
    package static func render(_ unit: ServiceUnit) -> String {
        let isSystem = unit.manager == .systemdSystem
        let edit = "systemctl\(isSystem ? "" : " --user") edit \(unit.names.systemdUnit)"
        var lines = [
            "# Written by jarvis, and written again when it is installed again. Changes of yours belong into a drop-in,",
            "# which is never touched: \(edit)", "[Unit]", "Description=\(specifiersEscaped(unit.description))",
            "After=network-online.target", "Wants=network-online.target",
        ]
        lines += limits(unit.systemdVersion)
        lines += ["", "[Service]", "Type=notify", "NotifyAccess=main"]
        lines.append("ExecStart=\(command(unit.arguments))")
        if let user = unit.user { lines.append("User=\(specifiersEscaped(user))") }
        lines.append("WorkingDirectory=-\(specifiersEscaped(unit.home))")
        lines += unit.environment.map { "Environment=\(quoted("\($0.name)=\($0.value)"))" }
        lines += [
            // A gateway that ends with 0 was asked to; a crash, a hang and a kill are failures.
            "Restart=on-failure", "RestartSec=5",
        ]
        if unit.systemdVersion ?? 0 >= 254 { lines += ["RestartSteps=6", "RestartMaxDelaySec=300"] }
        lines += [
            // 78 can't run here now, 2 contradictory settings: the same start would end the same way.
            "RestartPreventExitStatus=78", "RestartPreventExitStatus=2",
            "TimeoutStartSec=120", "TimeoutStopSec=60", "WatchdogSec=60",
            // The gateway drains by itself; what is left of its children goes with it.
            "KillMode=mixed", "OOMPolicy=continue",
        ]
        lines += hardening(isSystem: isSystem)
        lines += ["", "[Install]", "WantedBy=\(isSystem ? "multi-user" : "default").target", ""]
        return lines.joined(separator: "\n")
    }

    /// Without delays that grow a permanent fault must end in `failed` (30 starts in 15 minutes); with them every five
    /// minutes is cheap, and a fault that passes heals.
    private static func limits(_ version: Int?) -> [String] {
        version ?? 0 >= 254 ? ["StartLimitIntervalSec=0"] : ["StartLimitIntervalSec=900", "StartLimitBurst=30"]
    }

    /// What the work of a gateway allows: tools write in the home, a browser makes namespaces and code at run time, and
    /// the control socket may lie in the temporary directory. A user manager can't set up mounts without also hiding
    /// other users, so a user's unit has only what needs none.
    private static func hardening(isSystem: Bool) -> [String] {
        var lines = [
            "UMask=0077", "LimitCORE=0", "NoNewPrivileges=yes", "LockPersonality=yes", "RestrictRealtime=yes",
            "RestrictSUIDSGID=yes",
        ]
        if isSystem {
            lines += [
                "ProtectSystem=full", "ProtectKernelTunables=yes", "ProtectKernelModules=yes", "ProtectKernelLogs=yes",
                "ProtectControlGroups=yes", "ProtectClock=yes", "ProtectHostname=yes",
            ]
        }
        return lines
    }

    // MARK: Quoting

    private static func command(_ words: [String]) -> String {
        words.enumerated().map { index, word in
            // A `$` begins a variable in arguments, not in the program's path.
            quoted(
                index == 0 ? word : word.split(separator: "$", omittingEmptySubsequences: false).joined(separator: "$$")
            )
        }.joined(separator: " ")
    }

    private static func specifiersEscaped(_ text: String) -> String {
        text.split(separator: "%", omittingEmptySubsequences: false).joined(separator: "%%")
    }

    /// One word as systemd reads it back: bare when nothing in it is special.
    static func quoted(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { byte in
            byte > 0x20 && byte != 0x7F
                && ![UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "\\"), UInt8(ascii: "%"), UInt8(ascii: ";")]
                    .contains(byte)
        }
        if isPlain && !text.isEmpty { return text }
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case "%": result += "%%"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    // MARK: Reading

    /// The assignments of a unit by section and name, in order. Unknown things are kept, broken lines are left out.
    static func parse(_ text: String) -> [(section: String, name: String, value: String)] {
        var result: [(section: String, name: String, value: String)] = []
        var section = ""
        var pending = ""
        for line in text.split(whereSeparator: \.isNewline) {
            if pending.isEmpty, line.first == "#" || line.first == ";" { continue }
            if !pending.isEmpty, line.drop(while: \.isWhitespace).first.map({ $0 == "#" || $0 == ";" }) == true {
                continue
            }
            if line.hasSuffix("\\") {
                pending += line.dropLast() + " "
                continue
            }
            let whole = trimmed(pending + line)
            pending = ""
            if whole.hasPrefix("["), whole.hasSuffix("]") {
                section = String(whole.dropFirst().dropLast())
            } else if let equals = whole.firstIndex(of: "=") {
                result.append((section, trimmed(whole[..<equals]), trimmed(whole[whole.index(after: equals)...])))
            }
        }
        return result
    }

    /// The words of a value: quotes and backslashes are read, `%%` is a percent sign.
    static func words(_ text: String) -> [String] {
        var words: [String] = []
        var word: String?
        var quote: Character?
        var rest = Substring(text)
        while let character = rest.popFirst() {
            if character == "\\", let next = rest.popFirst() {
                word = (word ?? "") + (next == "n" ? "\n" : next == "t" ? "\t" : String(next))
            } else if let open = quote {
                if character == open { quote = nil } else { word = (word ?? "") + String(character) }
            } else if character == "\"" || character == "'" {
                quote = character
                word = word ?? ""
            } else if character.isWhitespace {
                if let done = word { words.append(done) }
                word = nil
            } else {
                word = (word ?? "") + String(character)
            }
            if character == "%", rest.first == "%" { rest.removeFirst() }
        }
        if let word { words.append(word) }
        return words
    }

    /// The service that a unit's text defines; nil when it starts nothing.
    package static func read(
        _ text: String, name: String, path: String, manager: ServiceManagerKind, scope: ServiceScope
    ) -> InstalledService? {
        var arguments: [String] = []
        var environment: [String: String] = [:]
        var directory: String?
        for line in parse(text) where line.section == "Service" {
            switch line.name {
            case "ExecStart":
                arguments = words(line.value)
                while let first = arguments.first?.first, "@-:+!".contains(first) { arguments[0].removeFirst() }
            case "Environment" where line.value.isEmpty: environment = [:]
            case "Environment":
                for word in words(line.value) {
                    guard let equals = word.firstIndex(of: "=") else { continue }
                    environment[String(word[..<equals])] = String(word[word.index(after: equals)...])
                }
            case "WorkingDirectory": directory = line.value.hasPrefix("-") ? String(line.value.dropFirst()) : line.value
            default: break
            }
        }
        guard !arguments.isEmpty else { return nil }
        return InstalledService(
            manager: manager, scope: scope, name: name, path: path, arguments: arguments, environment: environment,
            workingDirectory: directory)
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        var rest = Substring(text)
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return String(rest)
    }
}
