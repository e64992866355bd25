import Crypto
import CryptoExtras

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A stream of chunks under a passphrase: the key by scrypt (N 32768, r 8, p 1, so 32 MiB and some tenths of a second a
/// guess), the chunks by ChaCha20-Poly1305, each with a number of its own and a mark on the last one, so that none can be
/// changed, moved, left out or cut off.
///
/// The header is 10 bytes `JARVISEAL1`, 16 bytes of salt and 7 bytes of nonce, all random but the first; it is bound to
/// every chunk.
package struct PassphraseSeal: Sendable {
    /// What a sealed stream begins with.
    package static let magic = Array("JARVISEAL1".utf8)
    /// The header's size in bytes.
    package static let headerSize = 33
    /// The most plain bytes of a chunk; all chunks but the last have exactly so many.
    package static let chunkSize = 64 << 10
    /// How many bytes a chunk grows by.
    package static let tagSize = 16
    /// The shortest passphrase in bytes.
    package static let shortestPassphrase = 8

    /// The header.
    package let header: [UInt8]
    private let key: SymmetricKey
    private var number: UInt32 = 0

    /// A new stream with a fresh salt. Blocks for some tenths of a second.
    ///
    /// - Throws: `seal.passphrase`, exit 2, when the passphrase is too short.
    package static func sealing(_ passphrase: [UInt8]) throws -> PassphraseSeal {
        guard passphrase.count >= shortestPassphrase else {
            throw JarvisError(
                "seal.passphrase", "The passphrase is shorter than \(shortestPassphrase) bytes.", exitCode: 2)
        }
        var generator = SystemRandomNumberGenerator()
        let random = (0..<(headerSize - magic.count)).map { _ in UInt8.random(in: 0...255, using: &generator) }
        return try PassphraseSeal(header: magic + random, passphrase: passphrase)
    }

    /// The stream that begins with `header`. Blocks for some tenths of a second.
    ///
    /// - Throws: `seal.invalid`, exit 2, when that is no header.
    package init(header: [UInt8], passphrase: [UInt8]) throws {
        guard header.count == Self.headerSize, header.starts(with: Self.magic) else {
            throw JarvisError("seal.invalid", "This is no sealed archive.", exitCode: 2)
        }
        self.header = header
        let salt = Array(header[Self.magic.count..<(Self.magic.count + 16)])
        key = try KDF.Scrypt.deriveKey(
            from: passphrase, salt: salt, outputByteCount: 32, rounds: 1 << 15, blockSize: 8, parallelism: 1)
    }

    /// The next chunk, sealed.
    package mutating func seal(_ chunk: ArraySlice<UInt8>, isLast: Bool) throws -> [UInt8] {
        let box = try ChaChaPoly.seal(chunk, using: key, nonce: try nonce(isLast), authenticating: header)
        return Array(box.ciphertext) + Array(box.tag)
    }

    /// The next chunk, opened.
    ///
    /// - Throws: `seal.open`, exit 2: another passphrase, or the stream was changed or cut.
    package mutating func open(_ chunk: ArraySlice<UInt8>, isLast: Bool) throws -> [UInt8] {
        do {
            let box = try ChaChaPoly.SealedBox(
                nonce: try nonce(isLast), ciphertext: chunk.dropLast(Self.tagSize), tag: chunk.suffix(Self.tagSize))
            return Array(try ChaChaPoly.open(box, using: key, authenticating: header))
        } catch {
            throw JarvisError(
                "seal.open", "The sealed archive can't be opened: another passphrase, or it was changed or cut off.",
                exitCode: 2)
        }
    }

    private mutating func nonce(_ isLast: Bool) throws -> ChaChaPoly.Nonce {
        var bytes = Array(header.suffix(7))
        for shift in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: number >> UInt32(shift))) }
        bytes.append(isLast ? 1 : 0)
        number += 1
        return try ChaChaPoly.Nonce(data: bytes)
    }
}
