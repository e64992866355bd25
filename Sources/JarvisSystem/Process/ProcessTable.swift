import JarvisCore

/// Every process of this host, from `/proc`. Empty where there is none. Blocks for some milliseconds.
package struct ProcessTable: Sendable {
    /// One process.
    package struct Entry: Sendable, Hashable {
        /// Its pid.
        package var pid: Int32
        /// Who started it, or took it over.
        package var parent: Int32
        /// Its process group.
        package var group: Int32
        /// Its session.
        package var session: Int32 = 0
        /// Clock ticks between boot and its start.
        package var startTime: Int64
        /// The kernel's short name of its command, at most 15 bytes; kept also when it has ended.
        package var command: String
        /// Whether it has ended and nobody collected it yet.
        package var isZombie: Bool

        /// An entry.
        package init(
            pid: Int32, parent: Int32, group: Int32 = 0, startTime: Int64 = 0, command: String = "",
            isZombie: Bool = false
        ) {
            self.pid = pid
            self.parent = parent
            self.group = group
            self.startTime = startTime
            self.command = command
            self.isZombie = isZombie
        }

        /// From the text of `/proc/<pid>/stat`; nil when it has another shape.
        init?(pid: Int32, stat bytes: [UInt8]) {
            guard let open = bytes.firstIndex(of: UInt8(ascii: "(")),
                let close = bytes.lastIndex(of: UInt8(ascii: ")")),
                open < close
            else { return nil }
            let fields = bytes[(close + 1)...].split(separator: UInt8(ascii: " "))
            // Field 3 of proc(5) is fields[0]: parent is 4, group 5, session 6, start time 22.
            guard fields.count > 19, let parent = Int32(String(decoding: fields[1], as: UTF8.self)),
                let group = Int32(String(decoding: fields[2], as: UTF8.self)),
                let start = Int64(String(decoding: fields[19], as: UTF8.self))
            else { return nil }
            self.init(
                pid: pid, parent: parent, group: group, startTime: start,
                command: String(decoding: bytes[(open + 1)..<close], as: UTF8.self),
                isZombie: fields[0].elementsEqual("Z".utf8) || fields[0].elementsEqual("X".utf8))
            session = Int32(String(decoding: fields[3], as: UTF8.self)) ?? 0
        }
    }

    /// The processes.
    package var entries: [Entry]

    /// A table of these.
    package init(_ entries: [Entry]) { self.entries = entries }

    /// Looks now.
    package static func read() -> ProcessTable {
        ProcessTable(
            pids().compactMap { pid in
                let bytes = try? DurableFile.read("/proc/\(pid)/stat", limit: 4096)  // gone meanwhile
                return bytes.flatMap { Entry(pid: pid, stat: $0) }
            })
    }

    /// The numbers of all processes, zombies included. Many times as quick as `read`.
    package static func pids() -> [Int32] { DirectoryNames.list("/proc").compactMap { Int32($0) } }

    /// The same without zombies.
    package var alive: ProcessTable { ProcessTable(entries.filter { !$0.isZombie }) }

    /// What came of these processes, without themselves.
    package func descendants(of roots: Set<Int32>) -> Set<Int32> {
        let children = Dictionary(grouping: entries, by: \.parent)
        var found: Set<Int32> = []
        var open = Array(roots)
        while let next = open.popLast() {
            for child in children[next] ?? [] where found.insert(child.pid).inserted { open.append(child.pid) }
        }
        return found
    }

    /// Whose child, grandchild … a process is.
    package func ancestors(of pid: Int32) -> Set<Int32> {
        let parents = Dictionary(entries.map { ($0.pid, $0.parent) }, uniquingKeysWith: { first, _ in first })
        var found: Set<Int32> = []
        var next = parents[pid]
        while let current = next, current > 0, found.insert(current).inserted { next = parents[current] }
        return found
    }
}
