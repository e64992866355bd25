import JarvisSystem

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What the system says about this process.
struct ProcessFacts {
    static var pid: Int { Int(getpid()) }
    static let userId = UInt32(geteuid())

    var pid: Int32
    /// Resident memory; 0 where the system does not tell.
    var residentBytes: Int
    var threads: Int

    static func current() -> ProcessFacts {
        let snapshot = ProcessInfoReader().current()
        return ProcessFacts(
            pid: getpid(), residentBytes: snapshot?.residentBytes ?? 0, threads: snapshot?.threads ?? 0)
    }
}
