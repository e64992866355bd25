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
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBytes { bytes in
            bytes.baseAddress.map { readlink("\(directory)/\(names[0])", $0, bytes.count) } ?? -1
        }
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    }

    /// Removes what is left of it.
    static func clear(in directory: String) {
        for name in names { unlink("\(directory)/\(name)") }
    }
}
