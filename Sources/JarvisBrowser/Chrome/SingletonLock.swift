import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The lock that a browser puts into its user-data directory: the symbolic link `SingletonLock` to `host-pid`, beside
/// `SingletonSocket` and `SingletonCookie`.
enum SingletonLock {
    /// What to do about it.
    enum Decision: Sendable, Hashable {
        /// There is none.
        case none
        /// It is an old one: remove it.
        case clear
        /// The browser runs and is ours, left over from an earlier gateway: end it, then remove the lock.
        case end(pid: Int32)
        /// A browser that is not ours runs on the directory.
        case heldBy(BrowserOwner)
        /// It was made on another host, and the directory may be in use there.
        case heldElsewhere(host: String)
    }

    static let names = ["SingletonLock", "SingletonSocket", "SingletonCookie"]

    /// Decides. Pure.
    ///
    /// - Parameters:
    ///   - link: what the link says; nil: there is none.
    ///   - host: this host's name.
    ///   - ownsDirectory: whether no other host can use the directory, so that another name of a host is an old name
    ///     of this one (a container that was made anew).
    ///   - instanceId: this instance.
    ///   - owner: what the kernel says about a process; nil when it is gone.
    static func decide(
        link: String?, host: String, directory: String, ownsDirectory: Bool, instanceId: String,
        owner: (Int32) -> BrowserOwner?
    ) -> Decision {
        guard let link else { return .none }
        guard let dash = link.lastIndex(of: "-"), let pid = Int32(link[link.index(after: dash)...]), pid > 0 else {
            // No browser writes that; it would itself remove it.
            return .clear
        }
        let holder = link[..<dash]
        if holder != host { return ownsDirectory ? .clear : .heldElsewhere(host: String(holder.prefix(200))) }
        guard let owner = owner(pid) else { return .clear }
        if let used = owner.userDataDir {
            // The number went to another browser.
            guard UserDataClaim.same(used, directory) else { return .clear }
        } else if !owner.isBrowser {
            return .clear
        }
        return owner.instanceId == instanceId ? .end(pid: pid) : .heldBy(owner)
    }

    /// What the link in `directory` says; nil when there is none.
    static func read(in directory: String) -> String? {
        target(of: "\(directory)/\(names[0])")
    }

    private static func target(of link: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBytes { bytes in
            bytes.baseAddress.map { readlink(link, $0, bytes.count) } ?? -1
        }
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    }

    /// Removes what is left of it, with the directory for temporary files that its socket lies in.
    static func clear(in directory: String) {
        if let socket = target(of: "\(directory)/\(names[1])") { removeDead(socket) }
        for name in names { unlink("\(directory)/\(name)") }
    }

    /// The same when it is that of a process that has ended, and not of another browser.
    static func clear(of pid: Int32, in directory: String) {
        if read(in: directory)?.hasSuffix("-\(pid)") ?? false { clear(in: directory) }
    }

    /// Removes the socket of a browser that was killed, and the directory that it made for it. In a copied user-data
    /// directory the link still leads to the socket of the original, which may run: where somebody listens, or anything
    /// else lies beside it, everything stays.
    private static func removeDead(_ socket: String) {
        let parent = socket.split(separator: "/").dropLast().reduce(into: "") { $0 += "/\($1)" }
        var (place, file) = (stat(), stat())
        guard socket.hasPrefix("/"), socket.hasSuffix("/\(names[1])"), lstat(parent, &place) == 0,
            place.st_mode & S_IFMT == S_IFDIR, place.st_uid == geteuid(), place.st_mode & 0o077 == 0,
            lstat(socket, &file) == 0, file.st_mode & S_IFMT == S_IFSOCK, isRefused(socket)
        else { return }
        unlink(socket)
        let cookie = "\(parent)/\(names[2])"
        if target(of: cookie) != nil { unlink(cookie) }
        rmdir(parent)
    }

    /// Whether nobody listens on a socket file.
    private static func isRefused(_ path: String) -> Bool {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return false }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        #if canImport(Glibc)
            let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        #else
            let descriptor = socket(AF_UNIX, SOCK_STREAM, 0)
        #endif
        guard descriptor >= 0 else { return false }
        defer { systemClose(descriptor) }
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        return result != 0 && errno == ECONNREFUSED
    }
}
