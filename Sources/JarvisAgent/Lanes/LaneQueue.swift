import JarvisKit

/// Which run may start when: first come, first served within a session, one at a time there, and at most
/// `maximumActive` together. Pure.
struct LaneQueue: Sendable {
    private let maximumActive: Int
    private var lanes: [SessionKey: [RunRequest]] = [:]
    private var active: [String: RunRequest] = [:]
    private var busySessions: Set<SessionKey> = []
    /// Sessions with waiting runs and none active, in the order in which they became so.
    private var ready: [SessionKey] = []
    private var known: Set<String> = []

    init(maximumActive: Int) { self.maximumActive = max(1, maximumActive) }

    /// The runs in progress, then those that wait in the order of their lanes.
    var all: [(request: RunRequest, isRunning: Bool)] {
        active.values.sorted { $0.runId < $1.runId }.map { ($0, true) }
            + lanes.keys.sorted().flatMap { lanes[$0] ?? [] }.map { ($0, false) }
    }

    /// Whether the run waits or is in progress.
    func contains(_ runId: String) -> Bool { known.contains(runId) }

    /// Puts a run at the end of its lane.
    ///
    /// - Returns: False when it is there already.
    mutating func add(_ request: RunRequest) -> Bool {
        guard known.insert(request.runId).inserted else { return false }
        let key = request.sessionKey
        if lanes[key] == nil, !busySessions.contains(key) { ready.append(key) }
        lanes[key, default: []].append(request)
        return true
    }

    /// The next run that may start now, marked as in progress.
    mutating func startNext() -> RunRequest? {
        guard active.count < maximumActive, !ready.isEmpty else { return nil }
        let key = ready.removeFirst()
        guard var lane = lanes[key], !lane.isEmpty else { return nil }
        let request = lane.removeFirst()
        lanes[key] = lane.isEmpty ? nil : lane
        active[request.runId] = request
        busySessions.insert(key)
        return request
    }

    /// A run in progress ended.
    mutating func end(_ runId: String) {
        guard let request = active.removeValue(forKey: runId) else { return }
        known.remove(runId)
        busySessions.remove(request.sessionKey)
        if lanes[request.sessionKey] != nil { ready.append(request.sessionKey) }
    }

    /// Takes a waiting run out of its lane; nil when it doesn't wait.
    mutating func remove(_ runId: String) -> RunRequest? {
        guard known.contains(runId), active[runId] == nil else { return nil }
        for (key, lane) in lanes {
            guard let index = lane.firstIndex(where: { $0.runId == runId }) else { continue }
            var rest = lane
            let request = rest.remove(at: index)
            lanes[key] = rest.isEmpty ? nil : rest
            if rest.isEmpty { ready.removeAll { $0 == key } }
            known.remove(runId)
            return request
        }
        return nil
    }
}
