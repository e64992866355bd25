import JarvisCore
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// An exclusive `flock` on a directory, held by an open descriptor and freed by the kernel when the process dies.
///
/// The lock sits on the directory itself, not on a file in it. So it can be taken before anything is written, also on a
/// read-only disk; there is no file whose removal (a clean-up of `*.lock`, `rm -rf dir/*`) would let a second owner in;
/// and every name of the directory (symbolic links, bind mounts, case) is the same lock. Children don't inherit it
/// (`O_CLOEXEC`).
///
/// All calls block for at most about a second: keep them off the cooperative pool and the event loop.
package final class DirectoryLock: Sendable {
    /// Why there is no lock.
    package enum Failure: Error, Sendable {
        /// Somebody else holds it; the kernel names the pid, where it does.
        case held(pid: Int32?)
        /// The directory lies on a network file system, where a lock may not reach the other hosts.
        case networkFileSystem(String)
        /// The file system does not lock directories; the errno value.
        case unsupported(Int32)
        /// A system call failed.
        case system(SystemCallError)
    }

    /// The directory as it was named.
    package let directory: String
    private let descriptor: Mutex<Int32>

    private init(directory: String, descriptor: Int32) {
        self.directory = directory
        self.descriptor = Mutex(descriptor)
    }

    deinit { release() }

    /// Takes the lock on an existing directory.
    ///
    /// A reader that asks `isHeld` holds a shared lock for a moment, so a refusal counts only after `patience`
    /// milliseconds of asking again.
    ///
    /// - Parameters:
    ///   - allowNetworkFileSystem: take it also where other hosts may not see it.
    ///   - interval: milliseconds between two attempts.
    ///   - shared: lets other shared locks stand beside this one.
    /// - Throws: `Failure`.
    package static func acquire(
        _ directory: String, allowNetworkFileSystem: Bool = false, patience: Int = 500, interval: Int = 20,
        shared: Bool = false
    ) throws(Failure) -> DirectoryLock {
        var waited = 0
        while true {
            let descriptor = try openDirectory(directory)
            if !allowNetworkFileSystem, let name = networkFileSystem(descriptor) {
                close(descriptor)
                throw .networkFileSystem(name)
            }
            if flock(descriptor, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0 {
                // The name may lead elsewhere by now: then the lock protects a directory that nobody will open again.
                if isSame(descriptor, directory) { return DirectoryLock(directory: directory, descriptor: descriptor) }
                close(descriptor)
            } else {
                let number = errno
                let holder = number == EWOULDBLOCK && waited >= patience ? holderPid(descriptor) : nil
                close(descriptor)
                if number != EWOULDBLOCK, number != EINTR { throw .unsupported(number) }
                if waited >= patience { throw .held(pid: holder) }
            }
            if waited > patience + 1000 { throw .held(pid: nil) }
            usleep(UInt32(interval) * 1000)
            waited += interval
        }
    }

    /// Whether somebody holds the lock on `directory`. False when there is no such directory. Creates nothing.
    package static func isHeld(_ directory: String) -> Bool {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }

    /// The pid that holds the lock on `directory`, where the kernel tells (Linux, same pid name space).
    package static func holderPid(of directory: String) -> Int32? {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        return holderPid(descriptor)
    }

    /// Gives the lock back. Later calls do nothing.
    package func release() {
        descriptor.withLock { value in
            if value >= 0 { close(value) }
            value = -1
        }
    }

    private static func openDirectory(_ directory: String) throws(Failure) -> Int32 {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw .system(SystemCallError(call: "open", errorNumber: errno, subject: directory))
        }
        return descriptor
    }

    private static func isSame(_ descriptor: Int32, _ path: String) -> Bool {
        var held = stat()
        var named = stat()
        guard fstat(descriptor, &held) == 0, stat(path, &named) == 0 else { return false }
        return held.st_dev == named.st_dev && held.st_ino == named.st_ino
    }

    /// Finds the exclusive lock on the descriptor's inode in `/proc/locks`.
    private static func holderPid(_ descriptor: Int32) -> Int32? {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        let bytes = try? DurableFile.read("/proc/locks", limit: 4 << 20)  // absent off Linux: nobody tells
        guard let bytes else { return nil }
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            // `1: FLOCK ADVISORY WRITE 1234 fd:01:131 0 EOF`
            let fields = line.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
            guard fields.count >= 6, fields[1] == "FLOCK", fields[3] == "WRITE", let pid = Int32(fields[4]), pid > 0,
                let inode = fields[5].split(separator: ":").last, UInt64(inode) == UInt64(status.st_ino)
            else { continue }
            let device = fields[5].split(separator: ":").prefix(2).compactMap { UInt64($0, radix: 16) }
            if device == [majorNumber(status), minorNumber(status)] { return pid }
        }
        return nil
    }

    private static func majorNumber(_ status: stat) -> UInt64 {
        let device = UInt64(bitPattern: Int64(status.st_dev))
        return (device >> 8) & 0xFFF | (device >> 32) & ~0xFFF
    }

    private static func minorNumber(_ status: stat) -> UInt64 {
        let device = UInt64(bitPattern: Int64(status.st_dev))
        return device & 0xFF | (device >> 12) & ~0xFF & 0xFFFF_FFFF
    }

    private static func networkFileSystem(_ descriptor: Int32) -> String? {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        let bytes = try? DurableFile.read("/proc/self/mountinfo", limit: 16 << 20)  // absent off Linux: taken as local
        guard let bytes else { return nil }
        return networkFileSystem(
            mounts: String(decoding: bytes, as: UTF8.self),
            device: "\(majorNumber(status)):\(minorNumber(status))")
    }

    /// The type of the file system with device number `device` (`major:minor`) in the text of `/proc/self/mountinfo`,
    /// when it is one whose locks may stop at this host; nil for all others.
    package static func networkFileSystem(mounts: String, device: String) -> String? {
        for line in mounts.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 4, fields[2] == device, let dash = fields.firstIndex(of: "-"), dash + 1 < fields.count
            else { continue }
            let type = String(fields[dash + 1])
            return networkTypes.contains(type) ? type : nil
        }
        return nil
    }

    private static let networkTypes: Set<String> = [
        "nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "coda", "lustre", "ncpfs", "fuse.sshfs", "fuse.glusterfs",
        "fuse.s3fs", "fuse.rclone", "fuse.davfs2",
    ]
}
