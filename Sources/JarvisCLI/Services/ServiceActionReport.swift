import ArgumentParser
import JarvisCore
import JarvisHost

/// What an action on a service did, for people and in the family's JSON.
struct ServiceActionReport: Sendable {
    let instance: Instance
    let instanceId: String?
    /// `install`, `uninstall`, `start`, `stop`, `restart`.
    let action: String
    let result: ServiceChange.Result
    /// One sentence.
    let message: String
    var service: InstalledService?
    var runtime: ServiceRuntime?
    /// Files written or removed.
    var paths: [String] = []
    var backup: String?
    /// The process before and after.
    var pidBefore: Int32?
    /// The process that proved to be this instance.
    var provenPid: Int32?
    /// The ticket of a request to the gateway itself.
    var ticket: JSONValue?
    var warnings: [String] = []
    var hints: [String] = []
    /// The command that takes it back; nil when there is nothing to take back.
    var undo: String?
    var isOk = true

    var output: CommandOutput { CommandOutput(json: json, text: text) }

    /// Whether a gateway of the instance runs now.
    private var isLive: Bool { provenPid != nil || runtime?.status == .running }

    private var json: JSONValue {
        .members([
            "ok": .bool(isOk), "action": .string(action), "result": .string(result.rawValue),
            "message": .string(message), "error": isOk ? nil : .string(message),
            "hints": hints.isEmpty ? nil : JSONValue(hints), "warnings": warnings.isEmpty ? nil : JSONValue(warnings),
            "service": serviceJSON, "runtime": runtime.map(\.json),
            "instance": .members([
                "profile": .string(instance.displayName), "instanceId": instanceId.map(JSONValue.string),
                "stateDir": .string(instance.stateDirectory), "command": .string(instance.command),
            ]),
            "paths": JSONValue(paths), "backup": backup.map(JSONValue.string), "live": .bool(isLive),
            "pidBefore": pidBefore.map { JSONValue(Int($0)) }, "pid": provenPid.map { JSONValue(Int($0)) },
            "ticket": ticket, "undo": undo.map(JSONValue.string), "next": .string("\(instance.command) gateway status"),
        ])
    }

    private var serviceJSON: JSONValue {
        let kind = service?.manager ?? ServiceInstaller.usualKind
        let isLoaded = service != nil && result != .uninstalled && runtime?.isEnabled == true
        return .members([
            "label": .string(kind.label), "loaded": .bool(isLoaded), "loadedText": .string(kind.loadedText),
            "notLoadedText": .string(kind.notLoadedText), "name": service.map { .string($0.name) },
            "manager": service.map { .string($0.manager.rawValue) }, "path": service.map { .string($0.path) },
        ])
    }

    private var text: String {
        var table = TextTable()
        table.add("  instance", "\(instanceId?.prefix(8) ?? "none"), \(instance.stateDirectory)")
        for (index, path) in paths.enumerated() {
            let word = result == .uninstalled ? "removed" : "written"
            table.add(index == 0 ? "  \(word)" : "", path)
        }
        if let backup { table.add("  before", backup) }
        if let provenPid {
            let change = pidBefore.map { $0 == provenPid ? " (the same process)" : ", before \($0)" } ?? ""
            table.add("  running", "pid \(provenPid)\(change)")
        } else {
            let last = runtime?.lastExitStatus.map { ", last exit \($0)" } ?? ""
            table.add("  running", runtime?.status == .running ? "yes, not yet answering" : "no\(last)")
        }
        if let undo { table.add("  undo", undo) }
        table.add("  look at it", "\(instance.command) gateway status")
        return ([message, table.text] + warnings.map { "warning: \($0)" } + hints.map { "  → \($0)" })
            .joined(separator: "\n")
    }

    /// Prints it.
    ///
    /// - Throws: exit 1 when the action did not do what was asked.
    func show(_ json: JSONOption) throws {
        output.show(json: json.isOn)
        if !isOk { throw ExitCode(1) }
    }
}
