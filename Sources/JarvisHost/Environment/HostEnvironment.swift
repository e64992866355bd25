import JarvisCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What this process was born into: variables, home, temp directory, working directory, user and host name.
///
/// `current()` is the only place that asks the process; everything else is handed a value, so that a test can hand in
/// another one.
package struct HostEnvironment: Sendable {
    /// The environment variables.
    package var variables: [String: String]
    /// The home directory that the operating system names for the user when no variable does; nil when it names none.
    package var accountHome: String?
    /// The directory for short-lived files, absolute.
    package var temporaryDirectory: String
    /// The working directory, absolute.
    package var currentDirectory: String
    /// The effective user id.
    package var userId: UInt32
    /// The host's name; never empty.
    package var hostName: String
    /// Resolves the symbolic links of an absolute path as far as it exists; never fails and never creates anything.
    package var canonicalize: @Sendable (String) -> String
    /// The instance id that a state directory carries; nil when it carries none.
    package var instanceIdAt: @Sendable (_ stateDirectory: String) -> String?

    /// An environment. The defaults suit tests: no links, no identities on disk.
    package init(
        variables: [String: String], accountHome: String? = nil, temporaryDirectory: String = "/tmp",
        currentDirectory: String = "/", userId: UInt32 = getuid(), hostName: String = "localhost",
        canonicalize: @escaping @Sendable (String) -> String = { $0 },
        instanceIdAt: @escaping @Sendable (String) -> String? = { _ in nil }
    ) {
        self.variables = variables
        self.accountHome = accountHome
        self.temporaryDirectory = temporaryDirectory
        self.currentDirectory = currentDirectory
        self.userId = userId
        self.hostName = hostName
        self.canonicalize = canonicalize
        self.instanceIdAt = instanceIdAt
    }

    /// The environment of this process. Call it once, at the start.
    package static func current() -> HostEnvironment {
        let variables = ProcessInfo.processInfo.environment
        let temporary = variables["TMPDIR"].flatMap { $0.hasPrefix("/") ? HostPath.normalize($0) : nil }
        return HostEnvironment(
            variables: variables, accountHome: accountHome(of: geteuid()), temporaryDirectory: temporary ?? "/tmp",
            currentDirectory: workingDirectory(), userId: geteuid(), hostName: kernelHostName(),
            canonicalize: { HostPath.canonical($0) },
            instanceIdAt: { directory in
                try? InstanceIdentity.load(stateDirectory: directory)?.instanceId  // only a hint: unreadable is none
            })
    }

    /// The value of a variable; an empty value counts as unset.
    package subscript(name: String) -> String? {
        guard let value = variables[name], !value.isEmpty else { return nil }
        return value
    }

    /// The home that everything hangs on: `JARVIS_HOME` (with `~`) → `HOME` → `USERPROFILE` → the account's home.
    ///
    /// - Throws: `home.missing` when none of them names one and `home.relative` when the first that does is no absolute
    ///   path; both exit 2.
    package func home() throws(JarvisError) -> (path: String, source: ValueSource) {
        let systemHome = self["HOME"] ?? self["USERPROFILE"] ?? accountHome
        if let override = self["JARVIS_HOME"] {
            return (try absoluteHome(expandTilde(override, home: systemHome), "JARVIS_HOME"), .env("JARVIS_HOME"))
        }
        for name in ["HOME", "USERPROFILE"] {
            if let value = self[name] { return (try absoluteHome(value, name), .env(name)) }
        }
        if let accountHome { return (try absoluteHome(accountHome, "the user database"), .default) }
        throw JarvisError(
            "home.missing",
            "No home directory: JARVIS_HOME and HOME are unset and user \(userId) has none on this host.",
            hint: "Set JARVIS_HOME to an absolute path, for example JARVIS_HOME=/var/lib/jarvis.", exitCode: 2)
    }

    private func absoluteHome(_ value: String, _ name: String) throws(JarvisError) -> String {
        guard value.hasPrefix("/") else {
            throw JarvisError(
                "home.relative", "\(name) is “\(value)”, which is not an absolute path.",
                hint: "Set it to a path that begins with “/”.", exitCode: 2)
        }
        return HostPath.normalize(value)
    }

    private func expandTilde(_ path: String, home: String?) -> String {
        guard let home else { return path }
        if path == "~" { return home }
        return path.hasPrefix("~/") ? home + path.dropFirst() : path
    }

    private static func workingDirectory() -> String {
        guard let pointer = getcwd(nil, 0) else { return "/" }
        defer { free(pointer) }
        return String(cString: pointer)
    }

    private static func kernelHostName() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        let name = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return name.isEmpty ? "localhost" : name
    }

    /// Reads the user database as a file: the C library's own lookup can't work in a static binary.
    private static func accountHome(of user: UInt32) -> String? {
        let bytes = try? DurableFile.read("/etc/passwd", limit: 4 << 20)  // no file is no answer
        guard let bytes else { return nil }
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            guard fields.count >= 6, UInt32(String(decoding: fields[2], as: UTF8.self)) == user else { continue }
            let home = String(decoding: fields[5], as: UTF8.self)
            return home.isEmpty ? nil : home
        }
        return nil
    }
}
