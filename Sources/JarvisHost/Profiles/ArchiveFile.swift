import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// An archive while it is written: under another name, 0600, sealed when there is a passphrase, published by one rename.
package final class ArchiveWriter {
    private let descriptor: Int32
    private let temporary: String
    private let path: String
    private var seal: PassphraseSeal?
    private var pending: [UInt8] = []
    private var isOpen = true

    /// Begins the file `path`.
    ///
    /// - Parameter passphrase: seals the archive; nil leaves it plain.
    /// - Throws: `SystemCallError`, `seal.passphrase`.
    package init(_ path: String, passphrase: [UInt8]?) throws {
        self.path = path
        seal = try passphrase.map(PassphraseSeal.sealing)
        temporary = "\(DurableFile.parent(of: path))/\(DurableFile.temporaryPrefix)\(Identifiers.randomHex(bytes: 8))"
        descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemCallError(call: "open", errorNumber: errno, subject: temporary) }
        if let header = seal?.header { try put(header[...]) }
    }

    deinit { discard() }

    /// Takes the next bytes.
    ///
    /// - Throws: `SystemCallError`.
    package func write(_ bytes: ArraySlice<UInt8>) throws {
        guard seal != nil else { return try put(bytes) }
        pending.append(contentsOf: bytes)
        // One chunk is kept back: the last one carries a mark.
        while pending.count > PassphraseSeal.chunkSize {
            if let chunk = try seal?.seal(pending[..<PassphraseSeal.chunkSize], isLast: false) { try put(chunk[...]) }
            pending.removeFirst(PassphraseSeal.chunkSize)
        }
    }

    /// Makes the file durable and gives it its name.
    ///
    /// - Parameter replaces: whether a file that is there is replaced.
    /// - Throws: `SystemCallError`; `EEXIST` when something is there.
    package func publish(replaces: Bool) throws {
        if let chunk = try seal?.seal(pending[...], isLast: true) { try put(chunk[...]) }
        guard fsync(descriptor) == 0 else {
            throw SystemCallError(call: "fsync", errorNumber: errno, subject: temporary)
        }
        if replaces {
            guard rename(temporary, path) == 0 else {
                throw SystemCallError(call: "rename", errorNumber: errno, subject: path)
            }
            try DurableFile.syncDirectory(DurableFile.parent(of: path))
        } else {
            try DurableFile.publish(temporary, as: path)
        }
        close(descriptor)
        isOpen = false
    }

    /// Takes the unfinished file away.
    package func discard() {
        guard isOpen else { return }
        isOpen = false
        close(descriptor)
        unlink(temporary)
    }

    private func put(_ bytes: ArraySlice<UInt8>) throws {
        try bytes.withUnsafeBytes { buffer in
            var offset = 0
            while offset < buffer.count, let base = buffer.baseAddress {
                let count = POSIXCall.write(descriptor, base + offset, buffer.count - offset)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw SystemCallError(call: "write", errorNumber: errno, subject: temporary) }
                offset += count
            }
        }
    }
}

/// An archive that is read: plain or sealed, from its first byte to its last.
package final class ArchiveReader {
    /// Whether the archive is sealed.
    package let isSealed: Bool
    private let descriptor: Int32
    private let path: String
    private var seal: PassphraseSeal?
    private var plain: [UInt8] = []
    private var ahead: [UInt8] = []
    private var isAtEnd = false

    /// Opens a regular file.
    ///
    /// - Parameter passphrase: called when the archive is sealed.
    /// - Throws: `SystemCallError`, `seal.invalid`, what `passphrase` throws.
    package init(_ path: String, passphrase: () throws -> [UInt8]) throws {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw SystemCallError(call: "open", errorNumber: errno, subject: path) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw SystemCallError(call: "open", errorNumber: EINVAL, subject: path)
        }
        var begin: [UInt8] = []
        do {
            begin = try Self.fill(descriptor, PassphraseSeal.headerSize, path)
            isSealed = begin.starts(with: PassphraseSeal.magic)
            if isSealed {
                seal = try PassphraseSeal(header: begin, passphrase: try passphrase())
                ahead = try Self.fill(descriptor, Self.sealedChunk, path)
            } else {
                plain = begin
            }
        } catch {
            close(descriptor)
            throw error
        }
    }

    deinit { close(descriptor) }

    /// The next `count` bytes; fewer only at the end.
    ///
    /// - Throws: `SystemCallError`, `seal.open`.
    package func read(_ count: Int) throws -> [UInt8] {
        while plain.count < count, !isAtEnd { try more(count - plain.count) }
        let bytes = Array(plain.prefix(count))
        plain.removeFirst(bytes.count)
        return bytes
    }

    private static let sealedChunk = PassphraseSeal.chunkSize + PassphraseSeal.tagSize

    private func more(_ wanted: Int) throws {
        guard seal != nil else {
            let bytes = try Self.fill(descriptor, max(wanted, 64 << 10), path)
            if bytes.isEmpty { isAtEnd = true }
            plain += bytes
            return
        }
        let next = try Self.fill(descriptor, Self.sealedChunk, path)
        if let opened = try seal?.open(ahead[...], isLast: next.isEmpty) { plain += opened }
        ahead = next
        isAtEnd = next.isEmpty
    }

    /// So many bytes of the file; fewer only at its end.
    private static func fill(_ descriptor: Int32, _ count: Int, _ path: String) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var offset = 0
        while offset < count {
            let got = bytes.withUnsafeMutableBytes { buffer in
                buffer.baseAddress.map { POSIXCall.read(descriptor, $0 + offset, count - offset) } ?? 0
            }
            if got < 0, errno == EINTR { continue }
            if got < 0 { throw SystemCallError(call: "read", errorNumber: errno, subject: path) }
            if got == 0 { break }
            offset += got
        }
        return Array(bytes[..<offset])
    }
}

/// The two calls whose names the types above use for something else.
private enum POSIXCall {
    static func write(_ descriptor: Int32, _ base: UnsafeRawPointer, _ count: Int) -> Int {
        #if canImport(Darwin)
            Darwin.write(descriptor, base, count)
        #elseif canImport(Musl)
            Musl.write(descriptor, base, count)
        #else
            Glibc.write(descriptor, base, count)
        #endif
    }

    static func read(_ descriptor: Int32, _ base: UnsafeMutableRawPointer, _ count: Int) -> Int {
        #if canImport(Darwin)
            Darwin.read(descriptor, base, count)
        #elseif canImport(Musl)
            Musl.read(descriptor, base, count)
        #else
            Glibc.read(descriptor, base, count)
        #endif
    }
}
