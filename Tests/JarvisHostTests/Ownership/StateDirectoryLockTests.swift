import Foundation
import JarvisCore
import JarvisHost
import Testing

@Suite struct StateDirectoryLockTests {
    @Test func theSecondOneIsRefusedAndToldByWhom() throws {
        let home = try TemporaryHome()
        let main = try home.instance("main")
        let lock = try StateDirectoryLock.acquire(instance: main, clock: WallClock { 1_000_000 })
        #expect(StateDirectoryLock.isHolderAlive(stateDirectory: main.stateDirectory))
        let error = try #require(throws: JarvisError.self) {
            try StateDirectoryLock.acquire(instance: main, clock: WallClock { 1_000_000 + 180_000 })
        }
        #expect(error.code == "instance.locked" && error.exitCode == 78)
        for word in ["“main”", "pid \(getpid())", "3 min"] { #expect(error.message.contains(word)) }
        #expect(error.hint == "Look at it with: jarvis --profile main status")
        lock.release()
        #expect(!StateDirectoryLock.isHolderAlive(stateDirectory: main.stateDirectory))
        try StateDirectoryLock.acquire(instance: main).release()
    }

    @Test func aSecondConfigurationOverOneStateIsNamed() throws {
        let home = try TemporaryHome()
        let first = try home.instance("main")
        let second = try home.instance(
            nil, ["JARVIS_STATE_DIR": first.stateDirectory, "JARVIS_CONFIG_PATH": "\(home.path)/.jarvis/main.json"])
        let lock = try StateDirectoryLock.acquire(instance: first)
        defer { lock.release() }
        let error = try #require(throws: JarvisError.self) { try StateDirectoryLock.acquire(instance: second) }
        #expect(error.message.contains(first.configPath) && error.message.contains(second.configPath))
    }

    @Test func everyNameOfADirectoryIsTheSameLock() throws {
        let home = try TemporaryHome()
        let main = try home.instance("main")
        let lock = try StateDirectoryLock.acquire(instance: main)
        defer { lock.release() }
        try FileManager.default.createSymbolicLink(
            atPath: "\(home.path)/elsewhere", withDestinationPath: main.stateDirectory)
        let linked = try home.instance(nil, ["JARVIS_STATE_DIR": "\(home.path)/elsewhere"])
        #expect(linked.canonicalStateDirectory == main.canonicalStateDirectory)
        #expect(throws: JarvisError.self) { try StateDirectoryLock.acquire(instance: linked) }
    }

    @Test func removingFilesDoesNotLetASecondOneIn() throws {
        let home = try TemporaryHome()
        let main = try home.instance("main")
        let lock = try StateDirectoryLock.acquire(instance: main)
        defer { lock.release() }
        for name in try FileManager.default.contentsOfDirectory(atPath: main.stateDirectory) {
            try FileManager.default.removeItem(atPath: "\(main.stateDirectory)/\(name)")
        }
        let error = try #require(throws: JarvisError.self) { try StateDirectoryLock.acquire(instance: main) }
        #expect(error.code == "instance.locked")
        #if os(Linux)
            #expect(error.metadata["pid"] == String(getpid()))
        #endif
    }

    @Test func losersWriteNothing() throws {
        let home = try TemporaryHome()
        let main = try home.instance("main")
        let lock = try StateDirectoryLock.acquire(instance: main)
        defer { lock.release() }
        let note = try DurableFile.read(main.paths.ownerNote)
        let before = home.tree()
        _ = try? StateDirectoryLock.acquire(instance: main)
        #expect(home.tree() == before)
        #expect(try DurableFile.read(main.paths.ownerNote) == note)
    }

    @Test func theKernelFreesItWhenTheHolderIsKilled() throws {
        let home = try TemporaryHome()
        let main = try home.instance("main")
        try DurableFile.createDirectory(main.stateDirectory)
        let script =
            "import fcntl,os,sys,time;d=os.open(sys.argv[1],os.O_RDONLY);fcntl.flock(d,fcntl.LOCK_EX);"
            + "print('held',flush=True);time.sleep(600)"
        let child = try Child(["python3", "-c", script, main.stateDirectory])
        child.waitForOutput()
        // A note left by a process that is gone must not be blamed.
        try home.write(#"{"pid":1,"processStartTime":-5,"profile":"ghost"}"#, to: ".jarvis-main/run/owner.json")
        let error = try #require(throws: JarvisError.self) { try StateDirectoryLock.acquire(instance: main) }
        #expect(!error.message.contains("ghost"))
        #if os(Linux)
            #expect(error.metadata["pid"] == String(child.process.processIdentifier))
        #endif
        child.kill()
        try StateDirectoryLock.acquire(instance: main).release()
    }

    @Test func childrenDoNotInheritIt() throws {
        let home = try TemporaryHome()
        let main = try home.instance("main")
        let lock = try StateDirectoryLock.acquire(instance: main)
        let child = try Child(["sh", "-c", "echo up; exec sleep 600"])
        child.waitForOutput()
        lock.release()
        try StateDirectoryLock.acquire(instance: main).release()
        child.kill()
    }

    @Test func aReadersGlanceDoesNotMakeAnOwnerLose() throws {
        let home = try TemporaryHome()
        let main = try home.instance("main")
        try DurableFile.createDirectory(main.stateDirectory)
        let script =
            "import fcntl,os,sys,time;d=os.open(sys.argv[1],os.O_RDONLY);fcntl.flock(d,fcntl.LOCK_SH);"
            + "print('held',flush=True);time.sleep(0.1)"
        let child = try Child(["python3", "-c", script, main.stateDirectory])
        child.waitForOutput()
        try StateDirectoryLock.acquire(instance: main).release()
    }

    @Test func exactlyOneOfManyWins() async throws {
        let home = try TemporaryHome()
        let main = try home.instance("main")
        let directory = main.stateDirectory
        try DurableFile.createDirectory(directory)
        let locks = await withTaskGroup(of: DirectoryLock?.self) { group in
            for _ in 0..<10 { group.addTask { try? DirectoryLock.acquire(directory, patience: 20) } }
            return await group.reduce(into: [DirectoryLock]()) { list, lock in if let lock { list.append(lock) } }
        }
        #expect(locks.count == 1)
    }

    @Test func modesArePrivateWhateverTheMaskSays() throws {
        // Harmless for tests that run beside this one: they too must not rely on the mask.
        let mask = umask(0)
        defer { umask(mask) }
        let home = try TemporaryHome()
        try FileManager.default.createDirectory(
            atPath: "\(home.path)/.jarvis-main/logs", withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o755])
        let main = try home.instance("main")
        let lock = try StateDirectoryLock.acquire(instance: main)
        defer { lock.release() }
        try StateDirectory.prepare(main.paths)
        for path in home.tree() { #expect(home.mode(path) & 0o077 == 0, "\(path)") }
        #expect(home.mode(".jarvis-main/run/owner.json") == 0o600)
    }

    @Test func plantedLinksAreRefused() throws {
        for name in ["run", "logs", "store"] {
            let home = try TemporaryHome()
            try DurableFile.createDirectory("\(home.path)/.jarvis-main")
            try DurableFile.createDirectory("\(home.path)/victim")
            try FileManager.default.createSymbolicLink(
                atPath: "\(home.path)/.jarvis-main/\(name)", withDestinationPath: "\(home.path)/victim")
            let main = try home.instance("main")
            let error = try #require(throws: JarvisError.self) {
                let lock = try StateDirectoryLock.acquire(instance: main)
                defer { lock.release() }
                try StateDirectory.prepare(main.paths)
            }
            #expect(error.code == "instance.state_dir" && error.exitCode == 78)
            #expect(try FileManager.default.contentsOfDirectory(atPath: "\(home.path)/victim").isEmpty)
        }
    }

    @Test func aFileInTheWayIsRefused() throws {
        let home = try TemporaryHome()
        try home.write("x", to: ".jarvis-main")
        let error = try #require(throws: JarvisError.self) {
            try StateDirectoryLock.acquire(instance: home.instance("main"))
        }
        #expect(error.code == "instance.state_dir" && error.exitCode == 78)
    }

    @Test func askingCreatesNothing() throws {
        let home = try TemporaryHome()
        #expect(!StateDirectoryLock.isHolderAlive(stateDirectory: "\(home.path)/.jarvis-none"))
        #expect(home.tree().isEmpty)
    }

    @Test func networkFileSystemsAreKnownByName() {
        let mounts = """
            36 35 98:0 / / rw - ext4 /dev/root rw
            40 36 0:51 / /mnt/nfs rw,relatime shared:7 - nfs4 server:/x rw
            41 36 0:52 / /mnt/a\\040b rw - fuse.sshfs host: rw
            42 36 0:53 / /home rw - fuse.gocryptfs x rw
            """
        #expect(DirectoryLock.networkFileSystem(mounts: mounts, device: "98:0") == nil)
        #expect(DirectoryLock.networkFileSystem(mounts: mounts, device: "0:51") == "nfs4")
        #expect(DirectoryLock.networkFileSystem(mounts: mounts, device: "0:52") == "fuse.sshfs")
        #expect(DirectoryLock.networkFileSystem(mounts: mounts, device: "0:53") == nil)
        #expect(DirectoryLock.networkFileSystem(mounts: mounts, device: "9:9") == nil)
    }

    @Test func oneWorkspaceHasOneGateway() throws {
        let home = try TemporaryHome()
        let main = try home.instance("main")
        let rescue = try home.instance("rescue")
        let workspace = "\(home.path)/work"
        try DurableFile.createDirectory(workspace)
        let held = try StateDirectoryLock.acquire(instance: main)
        defer { held.release() }
        _ = try InstanceIdentity.loadOrCreate(stateDirectory: main.stateDirectory, displayName: "main")
        let lock = try #require(try WorkspaceLock.acquire(workspace: workspace, instance: main))
        let siblings = try InstanceScanner.siblings(of: rescue, environment: home.environment())
        let error = try #require(throws: JarvisError.self) {
            try WorkspaceLock.acquire(workspace: workspace, instance: rescue, siblings: siblings)
        }
        #expect(error.code == "workspace.locked" && error.exitCode == 78)
        #if os(Linux)
            #expect(error.message.contains("“main”"))
        #endif
        #expect(error.hint?.contains(rescue.defaultWorkspace) == true)
        lock.release()
        #expect(try WorkspaceLock.acquire(workspace: workspace, instance: rescue) != nil)
        #expect(try FileManager.default.contentsOfDirectory(atPath: workspace).isEmpty)
    }
}
