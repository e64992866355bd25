import CJarvisShims

/// Who is at the other end of a connected unix socket, as the kernel says: the process that called `listen` or
/// `connect`.
package struct PeerCredentials: Sendable, Hashable {
    /// The effective user.
    package let uid: UInt32
    /// The process; 0 where the system does not tell it, or when it lives in another pid name space.
    package let pid: Int32

    /// Asks the kernel about `descriptor`; nil when it is no connected unix socket.
    package static func of(_ descriptor: Int32) -> PeerCredentials? {
        var uid: UInt32 = 0
        var gid: UInt32 = 0
        var pid: Int32 = 0
        guard jarvis_peer_credentials(descriptor, &uid, &gid, &pid) == 0 else { return nil }
        return PeerCredentials(uid: uid, pid: pid)
    }
}
