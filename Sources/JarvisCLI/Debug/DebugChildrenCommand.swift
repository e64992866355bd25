import ArgumentParser
import JarvisCore
import JarvisSystem

/// `jarvis debug children`: a tree of children as a gateway's tools make it, for the tests of its end.
struct DebugChildrenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "children",
        abstract: "Start children as tools do, and end them with the next line on standard input.",
        discussion: """
            Example:
              jarvis debug children --instance test --count 3
            """)

    @Option(help: "The instance id that they carry.")
    var instance: String

    @Option(help: "How many children.")
    var count: Int = 3

    @Option(help: "What each runs, by sh -c.")
    var script: String = "sleep 600"

    @Option(help: "The pid of a process that is spared with all that came of it.")
    var spare: Int32?

    func run() throws {
        let tree = ChildTree(instanceId: instance)
        for _ in 0..<count {
            var child = ProcessSpawn(path: "/bin/sh", arguments: ["-c", script])
            child.environment = ["PATH": "/usr/local/bin:/usr/bin:/bin"]
            _ = try tree.start(child)
        }
        Terminal.write("started\n")
        while let line = readLine() {
            if line == "members" {
                Terminal.write(JSONWriter.string(.array(tree.members().map { JSONValue(Int($0)) })) + "\n")
            } else {
                let left = tree.stop(sparing: spare.map { [$0] } ?? [])
                Terminal.write(JSONWriter.string(["left": .array(left.map { JSONValue(Int($0)) })]) + "\n")
                return
            }
        }
    }
}
