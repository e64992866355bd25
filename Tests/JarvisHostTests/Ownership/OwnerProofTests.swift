import Foundation
import JarvisCore
import JarvisHost
import Testing

@Suite struct OwnerProofTests {
    @Test func everyPartMustHold() throws {
        let home = try TemporaryHome()
        let main = try home.instance("main")
        let lock = try StateDirectoryLock.acquire(instance: main)
        let id = try InstanceIdentity.loadOrCreate(stateDirectory: main.stateDirectory, displayName: "main").instanceId
        func verify(uid: UInt32 = getuid(), pid: Int32 = getpid(), id: String) throws -> OwnerProof {
            try OwnerProof.verify(
                peerUid: uid, peerPid: pid, saidInstanceId: id, instance: main, expectedUid: getuid())
        }
        func reason(uid: UInt32 = getuid(), pid: Int32 = getpid(), id: String) throws -> String {
            let error = try #require(throws: JarvisError.self) { try verify(uid: uid, pid: pid, id: id) }
            #expect(error.code == "owner.unproven")
            return error.metadata["reason"] ?? ""
        }
        let proof = try verify(id: id)
        #expect(proof.pid == getpid() && proof.instanceId == id)
        #expect(try reason(uid: getuid() + 1, id: id).contains("user"))
        #expect(try reason(id: "another-instance").contains("instance id"))
        #if os(Linux)
            #expect(proof.isStillAlive)
            #expect(try reason(pid: 1, id: id).contains("process 1"))
            #expect(try verify(pid: 0, id: id).pid == getpid())
        #endif
        lock.release()
        #expect(try reason(id: id).contains("nobody holds the lock"))
    }
}
