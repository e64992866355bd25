import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Carries a plan out, and takes it back.
package enum FixRunner {
    /// What was done.
    package struct Done: Sendable {
        /// The plan.
        package var plan: FixPlan
        /// The id under which it can be taken back; nil when it can't.
        package var undoId: String?
    }

    /// Carries `plan` out: compares the precondition, checks once more that nothing belongs to another instance, notes
    /// how things were, then does the steps.
    ///
    /// - Throws: `doctor.changed` when something changed since the plan was made; `doctor.foreign` when another
    ///   instance claims one of the paths by now; `doctor.running` when the gateway was started meanwhile;
    ///   `SystemCallError` and the errors of the steps.
    package static func apply(_ plan: FixPlan, context: DoctorContext) throws -> Done {
        guard let own = context.footprints.first(where: { $0.instance.stateDirectory == plan.target.stateDirectory })
        else { throw foreign(plan, plan.target.stateDirectory) }
        let lock = try plan.needsStopped ? acquire(plan, own.instance) : nil
        defer { lock?.release() }
        guard plan.currentHash == plan.preconditionHash else {
            throw JarvisError(
                "doctor.changed",
                "\(plan.title): something changed since the plan was made; nothing was done.",
                hint: "\(plan.target.command) doctor", metadata: ["plan": plan.id])
        }
        for step in plan.steps
        where !FixPlan.mayTouch(step, own: own, others: context.others(than: own.instance)) {
            throw foreign(plan, step.path)
        }
        let note = FixUndo.note(plan, instance: own.instance)
        // A state directory that is closed to its owner must be opened before anything can be written into it.
        let opensFirst = plan.steps.allSatisfy { if case .chmod = $0 { true } else { false } }
        if !opensFirst { try note?.write() }
        for step in plan.steps { try perform(step) }
        if opensFirst { try note?.write() }
        return Done(plan: plan, undoId: note?.id)
    }

    private static func perform(_ step: FixStep) throws {
        switch step {
        case .chmod(let path, let mode):
            var status = stat()
            guard lstat(path, &status) == 0, status.st_mode & S_IFMT != S_IFLNK else {
                throw SystemCallError(call: "lstat", errorNumber: ENOENT, subject: path)
            }
            guard chmod(path, mode_t(mode)) == 0 else {
                throw SystemCallError(call: "chmod", errorNumber: errno, subject: path)
            }
        case .remove(let path):
            guard unlink(path) == 0 || errno == ENOENT else {
                throw SystemCallError(call: "unlink", errorNumber: errno, subject: path)
            }
        case .replace(let path, let bytes): try DurableFile.write(bytes, to: path)
        case .act(_, _, _, let run): try run()
        }
    }

    private static func acquire(_ plan: FixPlan, _ instance: Instance) throws(JarvisError) -> DirectoryLock {
        do throws(DirectoryLock.Failure) {
            return try DirectoryLock.acquire(instance.stateDirectory, allowNetworkFileSystem: true)
        } catch {
            throw JarvisError(
                "doctor.running",
                "\(plan.title): the gateway “\(plan.target.name)” was started meanwhile; nothing was done.",
                hint: "\(plan.target.command) doctor")
        }
    }

    private static func foreign(_ plan: FixPlan, _ path: String) -> JarvisError {
        JarvisError(
            "doctor.foreign", "\(plan.title): \(path) belongs to another gateway too; nothing was done.",
            hint: "jarvis fleet check", metadata: ["path": path])
    }
}
