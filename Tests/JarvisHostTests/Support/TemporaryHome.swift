import Foundation
import JarvisCore
import JarvisHost

/// A home directory of one test, gone when the test is.
final class TemporaryHome {
    let path: String

    init() throws {
        path = HostPath.canonical(NSTemporaryDirectory()) + "/jarvis-host-\(Identifiers.randomHex(bytes: 6))"
        try DurableFile.createDirectory(path)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func environment(_ variables: [String: String] = [:]) -> HostEnvironment {
        HostEnvironment(
            variables: ["HOME": path].merging(variables) { _, new in new }, temporaryDirectory: path,
            currentDirectory: path, canonicalize: { HostPath.canonical($0) },
            instanceIdAt: { try? InstanceIdentity.load(stateDirectory: $0)?.instanceId })
    }

    func instance(_ profile: String? = nil, _ variables: [String: String] = [:]) throws -> Instance {
        try InstanceResolver.resolve(
            selection: ProfileSelection(flag: profile), environment: environment(variables))
    }

    func write(_ text: String, to name: String) throws {
        let file = "\(path)/\(name)"
        try DurableFile.createDirectory(DurableFile.parent(of: file))
        try DurableFile.write(Array(text.utf8), to: file)
    }

    /// Takes a path below the home away.
    func remove(_ name: String) { try? FileManager.default.removeItem(atPath: "\(path)/\(name)") }

    /// Every path below the home, sorted.
    func tree() -> [String] {
        (FileManager.default.enumerator(atPath: path)?.allObjects as? [String] ?? []).sorted()
    }

    /// The permission bits of a path below the home.
    func mode(_ name: String) -> mode_t {
        var status = stat()
        return lstat("\(path)/\(name)", &status) == 0 ? status.st_mode & 0o7777 : 0
    }
}

/// A child process that is killed at the end of the test.
final class Child {
    let process = Process()
    let output = Pipe()

    init(_ arguments: [String]) throws {
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.standardOutput = output
        try process.run()
    }

    /// Waits for the first bytes that it prints.
    func waitForOutput() { _ = output.fileHandleForReading.availableData }

    func kill() {
        guard process.isRunning else { return }
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    deinit { kill() }
}
