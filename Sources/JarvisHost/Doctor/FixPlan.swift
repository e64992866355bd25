import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// One step of a fix. It touches exactly the paths that it names.
package enum FixStep: Sendable {
    /// Sets the permission bits of a file or directory that is no link.
    case chmod(path: String, mode: UInt32)
    /// Removes a file, link or socket; never a directory.
    case remove(path: String)
    /// Replaces a file with these bytes, 0600.
    case replace(path: String, bytes: [UInt8])
    /// Something that the owner of a file does: the lease table, a service manager. `shared` says that the file holds
    /// entries of several instances and only this instance's own is changed.
    case act(title: String, path: String, shared: Bool, run: @Sendable () throws -> Void)

    /// The path that the step touches.
    package var path: String {
        switch self {
        case .chmod(let path, _), .remove(let path), .replace(let path, _), .act(_, let path, _, _): path
        }
    }

    /// For people.
    package var title: String {
        switch self {
        case .chmod(let path, let mode): "chmod \(String(mode, radix: 8)) \(path)"
        case .remove(let path): "remove \(path)"
        case .replace(let path, _): "write \(path)"
        case .act(let title, let path, _, _): "\(title) (\(path))"
        }
    }

    /// The word for programs.
    package var kind: String {
        switch self {
        case .chmod: "chmod"
        case .remove: "remove"
        case .replace: "write"
        case .act: "act"
        }
    }
}

/// What `--fix` does about a finding: shown first, then done as it was shown or not at all.
package struct FixPlan: Sendable {
    /// The finding that it answers.
    package let id: String
    /// The only instance that it touches.
    package let target: Overlap.Side
    /// What it does, for people.
    package let title: String
    /// The steps in order.
    package let steps: [FixStep]
    /// Whether the instance must be down: then the lock on its state directory is held meanwhile.
    package let needsStopped: Bool
    /// Processes that it signals. Always empty: no fix signals anything.
    package var processes: [Int32] { [] }
    /// The state of everything that the plan rests on; when it differs, the plan is refused.
    package let preconditionHash: String

    /// The files that it touches.
    package var files: [String] {
        var seen: Set<String> = []
        return steps.map(\.path).filter { seen.insert($0).inserted }
    }

    /// A plan for `patient`, or nil when it can't be made: a path that another instance claims too, or that is not this
    /// instance's own. Such a plan is not even shown.
    package init?(
        _ id: String, _ title: String, for patient: Patient, context: DoctorContext, needsStopped: Bool = false,
        _ steps: [FixStep]
    ) {
        guard !steps.isEmpty, !(needsStopped && patient.isRunning) else { return nil }
        self.id = id
        self.title = title
        self.steps = steps
        self.needsStopped = needsStopped
        target = patient.footprint.side(Claim(.state, patient.instance.stateDirectory, "state directory"))
        preconditionHash = Self.hash(steps, target: target)
        let others = context.others(than: patient.instance)
        guard steps.allSatisfy({ Self.mayTouch($0, own: patient.footprint, others: others) }) else { return nil }
    }

    /// Whether the step stays inside its instance: the path is the instance's own and nobody else's.
    static func mayTouch(_ step: FixStep, own: Footprint, others: [Footprint]) -> Bool {
        if case .act(_, _, let shared, _) = step, shared { return true }
        let isOwn: Bool
        if case .act = step { isOwn = true } else { isOwn = own.owns(step.path) && !hasSeveralNames(step.path) }
        return isOwn && !others.contains { $0.owns(step.path) }
    }

    /// A file with a second name may be somebody else's under that name.
    private static func hasSeveralNames(_ path: String) -> Bool {
        var status = stat()
        guard lstat(path, &status) == 0 else { return false }
        return status.st_mode & S_IFMT == S_IFREG && status.st_nlink > 1
    }

    /// The hash now; compare with `preconditionHash` right before the first step.
    package var currentHash: String { Self.hash(steps, target: target) }

    private static func hash(_ steps: [FixStep], target: Overlap.Side) -> String {
        var facts = [target.stateDirectory, describe(HostPath.join(target.stateDirectory, "instance.json"))]
        for step in steps { facts += [step.kind, step.path, describe(step.path)] }
        return Identifiers.sha256Hex(facts.joined(separator: "\u{0}").utf8)
    }

    private static func describe(_ path: String) -> String {
        var status = stat()
        guard lstat(path, &status) == 0 else { return "absent" }
        var facts = "\(status.st_mode) \(status.st_uid) \(status.st_dev):\(status.st_ino)"
        if status.st_mode & S_IFMT == S_IFREG {
            // too large or unreadable: size and mode must do
            let bytes = try? DurableFile.read(path, limit: 1 << 20)  // see above
            facts += " \(status.st_size) \(bytes.map { Identifiers.sha256Hex($0) } ?? "unread")"
        }
        return facts
    }

    /// `{id, title, target, steps, files, processes, needsStopped, preconditionHash}`.
    package var json: JSONValue {
        [
            "id": .string(id), "title": .string(title), "target": target.json,
            "steps": .array(
                steps.map { ["kind": .string($0.kind), "path": .string($0.path), "title": .string($0.title)] }),
            "files": JSONValue(files), "processes": .array(processes.map { JSONValue(Int($0)) }),
            "needsStopped": .bool(needsStopped), "preconditionHash": .string(preconditionHash),
        ]
    }
}
