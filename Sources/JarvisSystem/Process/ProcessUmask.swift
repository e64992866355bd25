#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The mode mask of this process.
package enum ProcessUmask {
    /// Takes group and other bits away from everything that this process creates from now on (umask 077). The first
    /// call in `main`: files also carry their mode at `open`, this is the second belt.
    package static func restrict() { _ = umask(0o077) }
}
