import Foundation
import JarvisConfig
import JarvisCore
import Testing

/// A new directory with a configuration in it, removed at the end.
final class ConfigFixture {
    let directory: String
    var path: String { directory + "/jarvis.json" }

    init(_ text: String? = nil) throws {
        directory = NSTemporaryDirectory() + "jarvis-config-" + Identifiers.randomHex(bytes: 6)
        try DurableFile.createDirectory(directory)
        if let text { try write(text) }
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }  // best effort

    func write(_ text: String, to name: String = "jarvis.json") throws {
        try DurableFile.createDirectory(DurableFile.parent(of: directory + "/" + name))
        try DurableFile.write(Array(text.utf8), to: directory + "/" + name)
    }

    func read(_ name: String = "jarvis.json") throws -> String {
        String(decoding: try DurableFile.read(directory + "/" + name), as: UTF8.self)
    }

    func load(_ environment: [String: String] = [:]) -> ConfigSnapshot {
        ConfigLoader.load(path: path, stateDirectory: directory, environment: environment)
    }

    func store(_ environment: [String: String] = [:]) -> ConfigStore {
        ConfigStore(
            path: path, stateDirectory: directory, environment: environment, version: "1.2.3",
            clock: WallClock { 1_700_000_000_000 })
    }
}

func load(_ text: String, _ environment: [String: String] = [:]) -> ConfigSnapshot {
    ConfigLoader.load(text: text, path: "/nowhere/jarvis.json", environment: environment)
}

func path(_ text: String) throws -> ConfigPath { try ConfigPath(parsing: text) }

func messages(_ issues: [ConfigIssue]) -> [String] { issues.map { "\($0.path): \($0.message)" } }
