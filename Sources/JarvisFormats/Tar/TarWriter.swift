import JarvisCore

/// A tar archive (POSIX ustar, pax where a path is long) of regular files, always the same bytes for the same input:
/// owner 0, time 0, one of two modes, the order in which files are added.
package struct TarWriter {
    /// The size of a tar block in bytes.
    package static let block = 512

    private let sink: (ArraySlice<UInt8>) throws -> Void
    private var missing = 0

    /// A writer that hands its bytes to `sink`, in order.
    package init(_ sink: @escaping (ArraySlice<UInt8>) throws -> Void) { self.sink = sink }

    /// Begins a file of exactly `size` bytes, which `write` gives then.
    ///
    /// - Throws: `tar.path` for a path that a reader would refuse; `tar.size` when the file before is not complete.
    package mutating func begin(_ path: String, size: Int, isExecutable: Bool = false) throws {
        try requireComplete()
        try TarPath.check(path)
        let bytes = Array(path.utf8)
        if bytes.count > 100 {
            let record = Self.record("path", bytes)
            try emit(Self.header(Array("pax".utf8), size: record.count, mode: 0o600, type: UInt8(ascii: "x")))
            try emit(record)
            try pad(record.count)
        }
        let mode = isExecutable ? 0o700 : 0o600
        try emit(Self.header(Self.short(path), size: size, mode: mode, type: UInt8(ascii: "0")))
        missing = size
        if size == 0 { return }
    }

    /// The next bytes of the file that was begun.
    ///
    /// - Throws: `tar.size` when there are more than were announced.
    package mutating func write(_ bytes: ArraySlice<UInt8>, of size: Int) throws {
        guard bytes.count <= missing else { throw JarvisError("tar.size", "A file is longer than it was announced.") }
        try sink(bytes)
        missing -= bytes.count
        if missing == 0 { try pad(size) }
    }

    /// Adds a whole file.
    ///
    /// - Throws: as `begin`.
    package mutating func add(_ path: String, _ bytes: [UInt8], isExecutable: Bool = false) throws {
        try begin(path, size: bytes.count, isExecutable: isExecutable)
        if !bytes.isEmpty { try write(bytes[...], of: bytes.count) }
    }

    /// Ends the archive.
    ///
    /// - Throws: `tar.size` when the last file is not complete.
    package mutating func finish() throws {
        try requireComplete()
        try emit([UInt8](repeating: 0, count: 2 * Self.block))
    }

    /// The path itself, or as many of its characters as a header holds; then the pax record counts.
    private static func short(_ path: String) -> [UInt8] {
        var short: [UInt8] = []
        for character in path {
            if short.count + character.utf8.count > 100 { break }
            short += character.utf8
        }
        return short
    }

    private func requireComplete() throws {
        if missing > 0 { throw JarvisError("tar.size", "A file is \(missing) bytes shorter than it was announced.") }
    }

    private func emit(_ bytes: [UInt8]) throws { try sink(bytes[...]) }

    private func pad(_ size: Int) throws {
        let rest = size % Self.block
        if rest > 0 { try emit([UInt8](repeating: 0, count: Self.block - rest)) }
    }

    /// `<length> path=<value>\n`, whose length counts its own digits.
    private static func record(_ key: String, _ value: [UInt8]) -> [UInt8] {
        let body = Array(" \(key)=".utf8) + value + [UInt8(ascii: "\n")]
        var length = body.count + 1
        while String(length).utf8.count + body.count != length { length = String(length).utf8.count + body.count }
        return Array(String(length).utf8) + body
    }

    private static func header(_ name: [UInt8], size: Int, mode: Int, type: UInt8) -> [UInt8] {
        var header = [UInt8](repeating: 0, count: block)
        func put(_ bytes: some Collection<UInt8>, at offset: Int) {
            for (index, byte) in bytes.enumerated() { header[offset + index] = byte }
        }
        put(name, at: 0)
        put(octal(mode, 7), at: 100)
        put(octal(0, 7), at: 108)
        put(octal(0, 7), at: 116)
        put(octal(size, 11), at: 124)
        put(octal(0, 11), at: 136)
        put(repeatElement(UInt8(ascii: " "), count: 8), at: 148)
        header[156] = type
        put(Array("ustar".utf8) + [0] + Array("00".utf8), at: 257)
        put(octal(header.reduce(0) { $0 + Int($1) }, 6) + [0, UInt8(ascii: " ")], at: 148)
        return header
    }

    private static func octal(_ value: Int, _ digits: Int) -> [UInt8] {
        let text = Array(String(value, radix: 8).utf8)
        return [UInt8](repeating: UInt8(ascii: "0"), count: max(0, digits - text.count)) + text
    }
}

/// What a path in an archive may be.
package enum TarPath {
    /// The most bytes of a path.
    package static let longest = 1024
    /// The most components of a path.
    package static let deepest = 64

    /// Passes for a relative path of plain components: no `.` or `..`, nothing empty, no control character, no
    /// backslash.
    ///
    /// - Throws: `tar.path`, exit 2, showing the path.
    package static func check(_ path: String) throws(JarvisError) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let isPlain =
            !path.isEmpty && path.utf8.count <= longest && parts.count <= deepest
            && parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." && $0.utf8.count <= 255 }
            && path.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F && $0 != "\\" }
        guard isPlain else {
            let shown = String(
                path.unicodeScalars.prefix(80).filter { $0.value >= 0x20 && $0.value != 0x7F }.map(Character.init))
            throw JarvisError("tar.path", "“\(shown)” is no path that an archive may hold.", exitCode: 2)
        }
    }
}
