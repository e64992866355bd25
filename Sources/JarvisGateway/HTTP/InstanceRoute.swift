import JarvisCore
import JarvisHost
import JarvisSystem

extension HTTPRoutes {
    /// What this gateway is and how it does, for its owner's own programs: the answer to the challenge of
    /// `ControlSocket.ask`. On the control socket alone; it holds no secret.
    static let instance = HTTPRoute(paths: [ControlSocket.instancePath], isControlOnly: true) { gateway, _ in
        .json(gateway.instanceDocument(), status: 200, headers: [("Cache-Control", "no-store")])
    }
}

extension Gateway {
    /// The document of the discovery contract, version 1; see docs/reference/discovery.md.
    func instanceDocument() -> JSONValue {
        let facts = ProcessFacts.current()
        let failure = recentErrors.records.last { $0.level >= .error }
        return .members([
            "version": .string(version), "contract": 1, "instanceId": .string(identity.instanceId),
            "profile": .string(instance.displayName), "pid": JSONValue(Int(facts.pid)),
            "stateDirectory": .string(instance.stateDirectory), "configPath": .string(instance.configPath),
            "ports": .members([
                "gateway": JSONValue(port), "browserControl": browserControlPort.map(JSONValue.init(_:)) ?? .null,
            ]),
            "browsers": .array((browser?.glances ?? []).map(\.json)),
            "browserControlProblem": JSONValue(browserControlProblem),
            "portSource": .string(portSource), "startedAtMs": .int(startedAt),
            "uptimeMs": .int(max(0, clock.now() - startedAt)),
            "rssBytes": JSONValue(facts.residentBytes), "phase": .string(phase.rawValue),
            "exposure": [
                "bind": .string(bindMode), "hosts": JSONValue(hosts), "isExposed": .bool(isExposed),
                "auth": .string(auth.mode.rawValue),
            ],
            "clients": JSONValue(connections.values.count { $0.session != nil }),
            "activeRuns": JSONValue(lanes?.activeRuns.count ?? 0), "channels": [],
            "lastMessageAtMs": lastMessageAt.map(JSONValue.int) ?? .null,
            "lastError": failure.map { ["atMs": .int($0.time), "message": .string($0.message)] } ?? .null,
            "storeFailure": JSONValue(store.failure?.message), "restartPending": JSONValue(restartPending),
            "toolRoom": JSONValue(toolRoomSentences()),
            "configHash": JSONValue(config.hash), "supervisedBy": .string(supervisor.rawValue),
            "executable": JSONValue(ProcessInfoReader().executable(pid: facts.pid)),
        ])
    }
}
