import JarvisCore
import JarvisSystem

/// Proof that the process at the other end of a control socket is the gateway of this state directory. Whoever signals,
/// stops, restarts or replaces a process holds one first.
package struct OwnerProof: Sendable, Hashable {
    /// The proven process.
    package let pid: Int32
    /// Its start time when it was proven; nil where the system does not tell. Compare again right before a signal.
    package let processStartTime: Int64?
    /// The proven instance.
    package let instanceId: String

    /// Checks all of it: the peer runs as the owner of the state directory, says the id that `instance.json` holds, and
    /// holds the lock.
    ///
    /// - Parameters:
    ///   - peerUid: the user of the peer, from the socket's credentials.
    ///   - peerPid: its pid, from the same place; 0 where the system does not tell.
    ///   - saidInstanceId: what the peer answered to the challenge.
    ///   - expectedUid: the user that must own the gateway.
    /// - Throws: `owner.unproven`, exit 1, saying which check failed.
    package static func verify(
        peerUid: UInt32, peerPid: Int32, saidInstanceId: String, instance: Instance, expectedUid: UInt32
    ) throws(JarvisError) -> OwnerProof {
        try verify(
            peerUid: peerUid, peerPid: peerPid, saidInstanceId: saidInstanceId, target: instance.controlTarget,
            expectedUid: expectedUid)
    }

    /// The same for a target.
    package static func verify(
        peerUid: UInt32, peerPid: Int32, saidInstanceId: String, target instance: ControlTarget, expectedUid: UInt32
    ) throws(JarvisError) -> OwnerProof {
        guard peerUid == expectedUid else {
            throw unproven("it runs as user \(peerUid), not as user \(expectedUid)", instance)
        }
        guard let identity = try InstanceIdentity.load(stateDirectory: instance.stateDirectory),
            identity.instanceId == saidInstanceId
        else { throw unproven("it says instance id “\(saidInstanceId.prefix(64))”", instance) }
        guard StateDirectoryLock.isHolderAlive(stateDirectory: instance.stateDirectory) else {
            throw unproven("nobody holds the lock on the state directory", instance)
        }
        let holder = DirectoryLock.holderPid(of: instance.stateDirectory)
        if let holder, peerPid > 0, holder != peerPid {
            throw unproven("process \(holder) holds the lock, not process \(peerPid)", instance)
        }
        guard let pid = peerPid > 0 ? peerPid : holder else { throw unproven("its pid is not known", instance) }
        return OwnerProof(
            pid: pid, processStartTime: ProcessInfoReader().read(pid: pid)?.startTime, instanceId: saidInstanceId)
    }

    /// Whether the proven process still is the one that was proven.
    package var isStillAlive: Bool {
        guard let processStartTime else { return false }
        return ProcessInfoReader().isAlive(pid: pid, startTime: processStartTime)
    }

    private static func unproven(_ reason: String, _ instance: ControlTarget) -> JarvisError {
        JarvisError(
            "owner.unproven",
            "The process behind the control socket is not proven to be the gateway “\(instance.displayName)”:"
                + " \(reason).",
            hint: "Look at it with: \(instance.command) status", metadata: ["reason": reason])
    }
}
