import JarvisCore

/// The name of a bot account that can be compared and written down without giving the credential away.
package enum BotIdentity {
    /// The key under which credentials of this host are hashed: 32 random bytes in hexadecimal digits.
    package struct Key: Sendable {
        let text: String
    }

    /// The file of the key inside the host directory.
    package static let keyFile = "identity.key"

    /// Reads the key of this host, without making one: when there is none yet, the key holds for this process only,
    /// which is enough to compare.
    package static func key(hostDirectory: String) -> Key {
        // an unreadable key is none: hashes then still compare inside this process
        let bytes = try? DurableFile.read(HostPath.join(hostDirectory, keyFile), limit: 4096)  // see above
        let text = bytes.map { String(decoding: $0, as: UTF8.self).filter(\.isHexDigit) }
        if let text, text.count == 64 { return Key(text: text) }
        return processKey
    }

    /// Reads the key of this host, or makes it (0600; the directory 0700). Two processes that race get the same one.
    ///
    /// - Throws: `SystemCallError`.
    package static func loadOrCreateKey(hostDirectory: String) throws -> Key {
        let path = HostPath.join(hostDirectory, keyFile)
        if !DurableFile.exists(path) {
            try DurableFile.createDirectory(hostDirectory)
            do {
                try DurableFile.create(Array((Identifiers.randomHex(bytes: 32) + "\n").utf8), at: path)
            } catch let error as SystemCallError where error.errorNumber == 17 {  // EEXIST: somebody was faster
            }
        }
        return key(hostDirectory: hostDirectory)
    }

    /// `telegram:9f86d081884c7d65`: channel and 16 digits of the keyed hash of the credential.
    package static func name(channel: String, credential: String, key: Key) -> String {
        let digest = Identifiers.hmacSha256Hex(key: key.text, message: "\(channel)\u{0}\(credential)")
        return "\(channel):\(digest.prefix(16))"
    }

    private static let processKey = Key(text: Identifiers.randomHex(bytes: 32))
}
