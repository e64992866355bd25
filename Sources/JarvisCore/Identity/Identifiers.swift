import Crypto

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A SHA-256 over pieces.
public struct StreamDigest {
    private var hash = SHA256()

    /// A digest of nothing yet.
    public init() {}

    /// Takes the next piece.
    public mutating func update(_ bytes: ArraySlice<UInt8>) { hash.update(data: bytes) }

    /// 64 lower-case hexadecimal digits over all pieces so far.
    public func hex() -> String { Identifiers.hex(hash.finalize()) }
}

/// Random names and digests.
public enum Identifiers {
    /// A random UUID in lower case.
    public static func uuid() -> String { UUID().uuidString.lowercased() }

    /// `bytes` random bytes from the system's generator as lower-case hexadecimal digits (two a byte).
    public static func randomHex(bytes: Int) -> String {
        var generator = SystemRandomNumberGenerator()
        return hex((0..<bytes).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }

    /// The SHA-256 of `bytes` as 64 lower-case hexadecimal digits.
    public static func sha256Hex(_ bytes: some Sequence<UInt8>) -> String { hex(sha256(bytes)) }

    /// The SHA-256 of `bytes`: 32 bytes.
    public static func sha256(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        Array(SHA256.hash(data: Array(bytes)))
    }

    /// Whether two secrets are equal. Takes the same time wherever they differ, whatever their lengths: both are hashed
    /// and the digests compared.
    public static func equalSecrets(_ left: String, _ right: String) -> Bool {
        SHA256.hash(data: Array(left.utf8)) == SHA256.hash(data: Array(right.utf8))
    }

    /// Lower-case hexadecimal digits, two a byte.
    public static func hex(_ bytes: some Sequence<UInt8>) -> String {
        var digits: [UInt8] = []
        for byte in bytes {
            for nibble in [byte >> 4, byte & 0x0F] { digits.append(nibble < 10 ? 48 + nibble : 87 + nibble) }
        }
        return String(decoding: digits, as: UTF8.self)
    }
}
