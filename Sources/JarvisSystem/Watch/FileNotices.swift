#if os(Linux)
    #if canImport(Musl)
        import Musl
    #else
        import Glibc
    #endif

    /// What inotify told about one file: `inotify(7)`.
    struct FileNotice {
        /// The watch that saw it; -1 for an overrun.
        var watch: Int32
        /// `IN_…` bits.
        var mask: UInt32
        /// The name in the watched directory; empty when the directory itself is meant.
        var name: String

        /// The entry is a directory.
        var isDirectory: Bool { mask & UInt32(IN_ISDIR) != 0 }

        /// All that waits at `notifier`, a descriptor that does not block, in the order of the kernel.
        static func drain(_ notifier: Int32, _ take: (FileNotice) -> Void) {
            // One event has at most 16 bytes and a name of 256.
            var buffer = [UInt8](repeating: 0, count: 16 << 10)
            while true {
                let count = read(notifier, &buffer, buffer.count)
                guard count > 0 else { return }
                // struct inotify_event: watch, mask, cookie, length of the name that follows, padded with NUL.
                var offset = 0
                while offset + 16 <= count {
                    let (watch, mask, length) = buffer.withUnsafeBytes { bytes in
                        (
                            bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self),
                            bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self),
                            Int(bytes.loadUnaligned(fromByteOffset: offset + 12, as: UInt32.self))
                        )
                    }
                    let end = min(offset + 16 + length, count)
                    let name = String(decoding: buffer[(offset + 16)..<end].prefix { $0 != 0 }, as: UTF8.self)
                    take(FileNotice(watch: watch, mask: mask, name: name))
                    offset = end
                }
            }
        }
    }
#endif
