import JarvisConfig
import JarvisCore
import JarvisHost

/// The workspace of an instance beside its siblings.
struct WorkspaceChoice {
    let context: CLIContext
    let instance: Instance

    /// Passes when no sibling's workspace or state is at `path`, around it or below it.
    ///
    /// - Throws: `workspace.sibling`, exit 2, naming the sibling and what it has there.
    func check(_ path: String) throws {
        let wanted = HostPath.canonical(path)
        for sibling in try InstanceScanner.siblings(of: instance, environment: context.environment) {
            let config = ConfigLoader.load(
                path: sibling.configPath, stateDirectory: nil, environment: context.environment.variables
            ).config
            var owned = [(sibling.stateDirectory, "state directory")]
            if let workspace = config.agents.defaults.workspace {
                owned.append((try context.absolutePath(workspace), "workspace"))
            }
            for (other, what) in owned {
                let there = HostPath.canonical(other)
                guard HostPath.isInside(wanted, there) || HostPath.isInside(there, wanted) else { continue }
                throw JarvisError(
                    "workspace.sibling",
                    "\(path) can't be the workspace: \(other) is the \(what) of the gateway"
                        + " \"\(sibling.displayName)\".",
                    hint: "Choose a directory of its own, for example \(instance.defaultWorkspace).",
                    metadata: ["path": path, "sibling": sibling.displayName], exitCode: 2)
            }
        }
    }
}
