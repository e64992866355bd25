import JarvisCore

/// The name of a bot account that can be compared and shown without giving the credential away.
package enum BotIdentity {
    /// The key under which credentials of this host are hashed.
    package struct Key: Sendable {
        let bytes: [UInt8]
    }

    /// Reads the key of this host (0600, in the host directory), without making one: when there is none yet, the key
    /// holds for this process only, which is enough to compare.
    package static func key(hostDirectory: String) -> Key {
        // an unreadable key is none: hashes then still compare inside this process
        let bytes = try? DurableFile.read(HostPath.join(hostDirectory, "lease.key"), limit: 4096)  // see above
        return bytes.map(Key.init) ?? processKey
    }

    /// `telegram:9f86d081884c7d65`: channel and 16 digits of the keyed hash of the credential.
    package static func name(channel: String, credential: String, key: Key) -> String {
        let inner = Identifiers.sha256(key.bytes + Array("\(channel)\u{0}\(credential)".utf8))
        return "\(channel):\(Identifiers.sha256Hex(key.bytes + inner).prefix(16))"
    }

    private static let processKey = Key(bytes: Array(Identifiers.randomHex(bytes: 32).utf8))
}
