import Crypto
import JarvisCore

/// The proof of a device: who it is and that it holds the key, bound to this connection's challenge.
public struct DeviceProof: Sendable, Hashable {
    /// Lower-case hexadecimal SHA-256 of the raw public key.
    public var id: String
    /// The raw Ed25519 public key (32 bytes), base64url without padding; a PEM is accepted too.
    public var publicKey: String
    /// The signature over the payload, base64url without padding.
    public var signature: String
    /// When it was signed, epoch milliseconds; ±120 s are allowed.
    public var signedAt: EpochMilliseconds
    /// The nonce of the challenge.
    public var nonce: String

    /// A proof.
    public init(id: String, publicKey: String, signature: String, signedAt: EpochMilliseconds, nonce: String) {
        self.id = id
        self.publicKey = publicKey
        self.signature = signature
        self.signedAt = signedAt
        self.nonce = nonce
    }
}

/// What a device signs: the fields of its connect request that must not change on the way.
public struct DevicePayload: Sendable, Hashable {
    /// The device's id.
    public var deviceId: String
    /// `client.id` and `client.mode`.
    public var clientId: String
    /// `client.mode`.
    public var clientMode: String
    /// The role asked for.
    public var role: String
    /// The scopes asked for, in the order of the request.
    public var scopes: [String]
    /// When it was signed.
    public var signedAt: EpochMilliseconds
    /// `auth.token`, else `auth.deviceToken`, else empty.
    public var token: String
    /// The challenge's nonce.
    public var nonce: String
    /// `client.platform` (version 3 only).
    public var platform: String
    /// `client.deviceFamily` (version 3 only).
    public var deviceFamily: String

    /// A payload.
    public init(
        deviceId: String, clientId: String, clientMode: String, role: String, scopes: [String],
        signedAt: EpochMilliseconds, token: String, nonce: String, platform: String, deviceFamily: String
    ) {
        self.deviceId = deviceId
        self.clientId = clientId
        self.clientMode = clientMode
        self.role = role
        self.scopes = scopes
        self.signedAt = signedAt
        self.token = token
        self.nonce = nonce
        self.platform = platform
        self.deviceFamily = deviceFamily
    }

    /// The text of version 2.
    public var version2: String { fields(version: "v2").joined(separator: "|") }

    /// The text of version 3: version 2's fields and the platform, so that a paired device can't change its kind.
    public var version3: String {
        (fields(version: "v3") + [Self.normalised(platform), Self.normalised(deviceFamily)]).joined(separator: "|")
    }

    private func fields(version: String) -> [String] {
        [
            version, deviceId, clientId, clientMode, role, scopes.joined(separator: ","), String(signedAt), token,
            nonce,
        ]
    }

    private static func normalised(_ text: String) -> String {
        var scalars = Substring(text)
        while let first = scalars.first, first.isWhitespace { scalars.removeFirst() }
        while let last = scalars.last, last.isWhitespace { scalars.removeLast() }
        return String(
            decoding: scalars.utf8.map { $0 >= 65 && $0 <= 90 ? $0 + 32 : $0 }, as: UTF8.self)
    }
}

/// An Ed25519 device key.
public struct DeviceKey: Sendable {
    private let key: Curve25519.Signing.PrivateKey

    /// A new random key.
    public init() { key = Curve25519.Signing.PrivateKey() }

    /// The key of 32 raw bytes; nil when they are no key.
    public init?(rawPrivateKey: [UInt8]) {
        // Only the length can be wrong, and nil says that.
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: rawPrivateKey) else { return nil }  // nil
        self.key = key
    }

    /// The private key's 32 bytes. A secret.
    public var rawPrivateKey: [UInt8] { Array(key.rawRepresentation) }

    /// The public key's 32 bytes.
    public var rawPublicKey: [UInt8] { Array(key.publicKey.rawRepresentation) }

    /// The device id that follows from the key.
    public var deviceId: String { Identifiers.sha256Hex(rawPublicKey) }

    /// Signs the version 3 text of `payload`.
    public func prove(_ payload: DevicePayload) throws -> DeviceProof {
        let signature = try key.signature(for: Array(payload.version3.utf8))
        return DeviceProof(
            id: deviceId, publicKey: Base64URL.encode(rawPublicKey), signature: Base64URL.encode(Array(signature)),
            signedAt: payload.signedAt, nonce: payload.nonce)
    }
}

/// Checks of a device's signature.
public enum DeviceSignature {
    /// The raw public key of a `publicKey` member, spelled as base64url or as PEM; nil when it is neither.
    public static func rawPublicKey(_ text: String) -> [UInt8]? {
        if text.contains("-----BEGIN") {
            let body = text.split(separator: "\n").filter { !$0.hasPrefix("-----") }.joined()
            // SubjectPublicKeyInfo of an Ed25519 key: a fixed 12-byte head, then the 32 bytes.
            guard let der = Base64URL.decode(body), der.count == 44 else { return nil }
            let head: [UInt8] = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00]
            return Array(der.prefix(12)) == head ? Array(der.suffix(32)) : nil
        }
        guard let raw = Base64URL.decode(text), raw.count == 32 else { return nil }
        return raw
    }

    /// Whether `signature` is the key's over version 3 of the payload, or version 2.
    public static func verify(_ payload: DevicePayload, signature: String, rawPublicKey: [UInt8]) -> Bool {
        guard let bytes = Base64URL.decode(signature), bytes.count == 64,
            let key = try? Curve25519.Signing.PublicKey(rawRepresentation: rawPublicKey)  // no key: no valid signature
        else { return false }
        return [payload.version3, payload.version2].contains { key.isValidSignature(bytes, for: Array($0.utf8)) }
    }
}

/// Base64url without padding (RFC 4648 §5); decoding accepts the standard alphabet and padding too.
public enum Base64URL {
    /// The text of `bytes`.
    public static func encode(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        var text: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let rest = bytes.count - index
            let group =
                UInt32(bytes[index]) << 16 | (rest > 1 ? UInt32(bytes[index + 1]) << 8 : 0)
                | (rest > 2 ? UInt32(bytes[index + 2]) : 0)
            text.append(alphabet[Int(group >> 18 & 63)])
            text.append(alphabet[Int(group >> 12 & 63)])
            if rest > 1 { text.append(alphabet[Int(group >> 6 & 63)]) }
            if rest > 2 { text.append(alphabet[Int(group & 63)]) }
            index += 3
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes of `text`; nil for a character outside the alphabets or an impossible length.
    public static func decode(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        var buffer: UInt32 = 0
        var bits = 0
        for character in text.utf8 {
            let value: UInt32
            switch character {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = UInt32(character) - 65
            case UInt8(ascii: "a")...UInt8(ascii: "z"): value = UInt32(character) - 71
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = UInt32(character) + 4
            case UInt8(ascii: "-"), UInt8(ascii: "+"): value = 62
            case UInt8(ascii: "_"), UInt8(ascii: "/"): value = 63
            case UInt8(ascii: "="): continue
            default: return nil
            }
            buffer = buffer << 6 | value
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(buffer >> UInt32(bits) & 0xFF))
            }
        }
        // Left-over bits of a valid text are zero and fewer than six: one spelling for one value.
        guard bits < 6, buffer & ((1 << UInt32(bits)) - 1) == 0 else { return nil }
        return bytes
    }
}
