import JarvisConfig
import JarvisCore

/// The bot accounts that a configuration names.
struct ChannelClaims {
    let snapshot: ConfigSnapshot
    let instance: Instance
    let key: BotIdentity.Key

    /// Keys whose secret is the account itself; other secrets (of web hooks, for signing) may be the same in two
    /// gateways.
    private static let credentials: Set<String> = [
        "token", "bottoken", "apptoken", "accesstoken", "usertoken", "authtoken", "sessiontoken", "privatekey",
        "apppassword", "clientsecret", "apikey",
    ]
    /// Keys that name the account without a secret.
    private static let accounts: [String: Set<String>] = [
        "signal": ["account"], "matrix": ["userId"], "sms": ["number", "from"], "bluebubbles": ["serverUrl"],
        "whatsapp": ["phoneNumberId"], "msteams": ["appId"],
    ]

    func collect(into claims: inout [Claim], unknown: inout [String]) {
        guard let channels = snapshot.redacted()["channels"]?.objectValue else { return }
        for (channel, value) in channels {
            walk(value, ConfigPath("channels").appending(channel), channel, isActive: true, &claims)
        }
        for issue in snapshot.issues where issue.code == .variable && issue.path.hasPrefix("channels.") {
            unknown.append("\(issue.path) can't be compared: \(issue.message)")
        }
    }

    private func walk(
        _ value: JSONValue, _ path: ConfigPath, _ channel: String, isActive: Bool, _ claims: inout [Claim]
    ) {
        switch value {
        case .object(let members):
            let isActive = isActive && members["enabled"]?.boolValue != false
            for (name, member) in members {
                walk(member, path.appending(name), channel, isActive: isActive, &claims)
            }
        case .array(let elements):
            for (index, element) in elements.enumerated() {
                walk(element, path.appending(.index(index)), channel, isActive: isActive, &claims)
            }
        case .string(let text):
            guard let credential = credential(text, path, channel), !credential.isEmpty else { return }
            let name = BotIdentity.name(channel: channel, credential: credential, key: key)
            claims.append(Claim(.identity, name, "\(channel) account (\(path))", isActive: isActive))
        default: break
        }
    }

    /// What stands for the account at `path`; nil when nothing there does.
    private func credential(_ text: String, _ path: ConfigPath, _ channel: String) -> String? {
        guard let name = path.name else { return nil }
        let plain = name.lowercased().filter { $0 != "_" && $0 != "-" }
        if plain == "tokenfile" {
            // the file may be another user's or gone; then nothing can be compared
            let bytes = try? DurableFile.read(instance.expand(text), limit: 64 << 10)  // see above
            return bytes.map { String(decoding: $0, as: UTF8.self).trimmed }
        }
        guard Self.credentials.contains(plain) || Self.accounts[channel]?.contains(name) == true else { return nil }
        let value = snapshot.secret(at: path)?.reveal() ?? text
        return value == Secret.sentinel ? nil : value.trimmed
    }
}

extension String {
    fileprivate var trimmed: String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}
