import JarvisCore
import JarvisSystem

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What starts the built-in supervisor when the machine boots: one `@reboot` line in the user's crontab, marked as ours.
/// Every other line stays as it is, byte for byte. All calls block.
package struct BootEntry: Sendable {
    private let runner: ChildRunner
    private let hostDirectory: String
    private let scratch: String

    /// The entry for the supervisor over `directory`.
    package init(directory: SupervisorDirectory, environment: HostEnvironment) {
        runner = ChildRunner(
            environment: environment.variables.filter {
                ["PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "LD_LIBRARY_PATH"].contains($0.key)
            })
        hostDirectory = DurableFile.parent(of: directory.path)
        scratch = directory.path
    }

    /// The end of our line. Tells the supervisors of several host directories of one user apart.
    package var marker: String {
        "# jarvis supervisor \(Identifiers.sha256Hex(hostDirectory.utf8).prefix(8)): written by jarvis"
    }

    /// The command that starts the supervisor, for a line of a shell script.
    package func command(executable: String) -> String {
        "JARVIS_HOST_DIR=\(Instance.quoted(hostDirectory)) \(Instance.quoted(executable)) supervisor run --detach"
    }

    /// What became of the entry.
    package enum Outcome: Sendable, Hashable {
        /// The line is there; false when it was there already.
        case written(isNew: Bool)
        /// It can't be: why, and what the owner types instead.
        case byHand(reason: String, command: String)
    }

    /// Writes the line, or says what to do where there is no crontab.
    package func ensure(executable: String) -> Outcome {
        // In a crontab a bare percent sign is a line break.
        let escaped = command(executable: executable)
            .split(separator: "%", omittingEmptySubsequences: false).joined(separator: "\\%")
        let line = "@reboot \(escaped) \(marker)"
        do {
            let lines = try read()
            let kept = lines.filter { !$0.hasSuffix(marker) }
            if lines.contains(line), lines.count == kept.count + 1 { return .written(isNew: false) }
            try write(kept + [line])
            return .written(isNew: true)
        } catch {
            let echo = Self.singleQuoted(command(executable: executable))
            return .byHand(
                reason: (error as? JarvisError)?.message ?? "\(error)", command: "echo \(echo) >> ~/.profile")
        }
    }

    /// Whether the line is there; nil where there is no crontab to ask.
    package func isPresent() -> Bool? {
        let lines = try? read()  // no crontab program, or it refuses: told as unknown
        return lines?.contains { $0.hasSuffix(marker) }
    }

    /// Takes the line away where it is.
    ///
    /// - Returns: whether it was there.
    @discardableResult
    package func remove() throws -> Bool {
        let lines = try read()
        let kept = lines.filter { !$0.hasSuffix(marker) }
        guard kept.count < lines.count else { return false }
        try write(kept)
        return true
    }

    private func program() throws(JarvisError) -> String {
        if let path = runner.find("crontab") { return path }
        throw JarvisError("boot.cron", "this host has no crontab")
    }

    private func read() throws -> [String] {
        let result = try runner.run(try program(), ["-l"], timeout: .seconds(15))
        if result.isSuccess {
            guard !result.isTruncated else { throw JarvisError("boot.cron", "the crontab is too long to be read") }
            var lines = result.output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            if lines.last?.isEmpty == true { lines.removeLast() }
            return lines
        }
        // “no crontab for ada” is an empty one; anything else must not be taken for that, or lines would be lost.
        if result.exitCode == 1, result.output.isEmpty, result.errors.lowercased().contains("no crontab") { return [] }
        throw JarvisError("boot.cron", "crontab says: \(result.errors.prefix(200).split(separator: "\n").first ?? "")")
    }

    private func write(_ lines: [String]) throws {
        let file = HostPath.join(scratch, ".crontab-\(Identifiers.randomHex(bytes: 4))")
        defer { unlink(file) }
        try DurableFile.createDirectory(scratch)
        try DurableFile.write(Array((lines.joined(separator: "\n") + (lines.isEmpty ? "" : "\n")).utf8), to: file)
        let result = try runner.run(try program(), [file], timeout: .seconds(15))
        guard result.isSuccess else {
            throw JarvisError(
                "boot.cron", "crontab says: \(result.errors.prefix(200).split(separator: "\n").first ?? "")")
        }
    }

    private static func singleQuoted(_ text: String) -> String {
        "'\(text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: #"'\''"#))'"
    }
}
