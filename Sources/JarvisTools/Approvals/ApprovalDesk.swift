import JarvisCore
import JarvisKit

/// The questions that wait for an answer, and the answers that were given lately. Pure: time goes in.
///
/// Nothing here survives the process: a question whose asker is gone has no answer to give.
package struct ApprovalDesk: Sendable {
    /// A question that waits.
    package struct Pending: Sendable {
        /// Its name; unique.
        package var id: String
        /// What is asked.
        package var request: ApprovalRequest
        /// The question as clients see it.
        package var shown: JSONObject
        /// When it was asked.
        package var createdAt: EpochMilliseconds
        /// When it is over without an answer.
        package var expiresAt: EpochMilliseconds
    }

    /// A question that is over.
    package struct Settled: Sendable {
        /// The question.
        package var pending: Pending
        /// The answer; nil when time ran out or the asker went away.
        package var decision: ApprovalDecision?
        /// Who answered, for people; nil when nobody did.
        package var by: String?
        /// When.
        package var at: EpochMilliseconds
    }

    /// Why a question could not be asked or answered.
    package enum Refusal: Error, Sendable, Equatable {
        /// No question has this id, or more than one begins with it.
        case unknown(String)
        case ambiguous(String)
        /// It is over: the decision, nil when time ran out.
        case settled(id: String, ApprovalDecision?, by: String?)
        /// Its time is over, and nobody has said so yet.
        case expired(String)
        /// The id belongs to another question.
        case taken(String)
        /// `allow-always` is not offered for it.
        case notAlways(String)
        /// Too many questions wait.
        case full(Int)
    }

    /// Questions that may wait at once. Default 64.
    package static let maximumPending = 64
    /// How long an answer is remembered, so that a late second answer is told what happened. Default 15 min.
    package static let memory: Int64 = 900_000
    /// Questions that are over and still remembered; beyond it the oldest are forgotten. Default 256.
    package static let maximumSettled = 256
    /// The shortest beginning of an id that names a question.
    package static let shortestId = 4

    private var waiting: [String: Pending] = [:]
    private var settled: [String: Settled] = [:]

    /// No questions.
    package init() {}

    /// The questions that wait, oldest first.
    package var pending: [Pending] {
        waiting.values.sorted { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) }
    }

    /// Takes a question. The same id with the same question again is the same one.
    ///
    /// - Returns: The question, and whether it is new.
    package mutating func ask(
        id: String, _ request: ApprovalRequest, shown: JSONObject, now: EpochMilliseconds, timeoutMs: Int64
    ) throws(Refusal) -> (pending: Pending, isNew: Bool) {
        forget(now: now)
        if let known = waiting[id] {
            guard known.request.fingerprint == request.fingerprint else { throw .taken(id) }
            return (known, false)
        }
        // An answer given once is not given again to whoever knows the id.
        if let over = settled[id] { throw .settled(id: id, over.decision, by: over.by) }
        guard waiting.count < Self.maximumPending else { throw .full(waiting.count) }
        let pending = Pending(id: id, request: request, shown: shown, createdAt: now, expiresAt: now + timeoutMs)
        waiting[id] = pending
        return (pending, true)
    }

    /// The question that `id` or its unique beginning names.
    package func find(_ id: String) throws(Refusal) -> Pending {
        if let exact = waiting[id] { return exact }
        if let over = settled[id] { throw .settled(id: id, over.decision, by: over.by) }
        guard id.utf8.count >= Self.shortestId else { throw .unknown(id) }
        let begun = waiting.values.filter { $0.id.hasPrefix(id) }
        if begun.count > 1 { throw .ambiguous(id) }
        if let one = begun.first { return one }
        if let over = settled.values.filter({ $0.pending.id.hasPrefix(id) }).max(by: { $0.at < $1.at }) {
            throw .settled(id: over.pending.id, over.decision, by: over.by)
        }
        throw .unknown(id)
    }

    /// What became of a question that is over; nil while it waits or when nobody remembers.
    package func outcome(_ id: String) -> Settled? { settled[id] }

    /// Answers a question, once and in time. The clock of the wall decides, because it is what people were shown: a
    /// timer stands still while the host sleeps.
    package mutating func resolve(
        _ id: String, _ decision: ApprovalDecision, by: String, now: EpochMilliseconds
    ) throws(Refusal) -> Settled {
        forget(now: now)
        let pending = try find(id)
        if pending.expiresAt <= now { throw .expired(pending.id) }
        if decision == .allowAlways, pending.request.allowPattern == nil { throw .notAlways(pending.id) }
        return settle(pending, decision, by: by, now: now)
    }

    /// Remembers what became of an answer that could not be kept whole.
    package mutating func amend(_ over: Settled) { settled[over.pending.id] = over }

    /// Ends a question without an answer; nil when it is over already.
    package mutating func lapse(_ id: String, now: EpochMilliseconds) -> Settled? {
        guard let pending = waiting[id] else { return nil }
        return settle(pending, nil, by: nil, now: now)
    }

    /// Denies everything that waits.
    package mutating func denyAll(by: String, now: EpochMilliseconds) -> [Settled] {
        pending.map { settle($0, .deny, by: by, now: now) }
    }

    private mutating func settle(
        _ pending: Pending, _ decision: ApprovalDecision?, by: String?, now: EpochMilliseconds
    ) -> Settled {
        waiting[pending.id] = nil
        let over = Settled(pending: pending, decision: decision, by: by, at: now)
        settled[pending.id] = over
        return over
    }

    private mutating func forget(now: EpochMilliseconds) {
        settled = settled.filter { $0.value.at > now - Self.memory }
        if settled.count > Self.maximumSettled {
            let newest = settled.sorted { $0.value.at > $1.value.at }.prefix(Self.maximumSettled)
            settled = Dictionary(uniqueKeysWithValues: newest.map { ($0.key, $0.value) })
        }
    }
}

extension ApprovalDesk.Refusal {
    /// A stable word for programs.
    package var code: String {
        switch self {
        case .unknown: "APPROVAL_NOT_FOUND"
        case .ambiguous: "APPROVAL_AMBIGUOUS"
        case .settled, .expired: "APPROVAL_ALREADY_RESOLVED"
        case .taken: "APPROVAL_ID_TAKEN"
        case .notAlways: "APPROVAL_ALWAYS_NOT_OFFERED"
        case .full: "APPROVAL_TOO_MANY"
        }
    }

    /// For people.
    package var message: String {
        switch self {
        case .unknown(let id):
            "no question \"\(VisibleText.escaped(id, limit: 64))\" waits for an approval; `jarvis approvals list` shows those that do"
        case .ambiguous(let id):
            "more than one question begins with \"\(VisibleText.escaped(id, limit: 64))\"; write more of the id"
        case .settled(let id, let decision?, let by):
            "the question \(id) is answered already: \(decision.rawValue)\(by.map { " by \($0)" } ?? "")"
        case .settled(let id, nil, _), .expired(let id): "the question \(id) is over: nobody answered in time"
        case .taken(let id): "the id \"\(VisibleText.escaped(id, limit: 64))\" belongs to another question"
        case .notAlways(let id):
            "allow-always is not offered for \(id): it is asked about each time; use allow-once or deny"
        case .full(let count): "\(count) questions wait already; answer some first"
        }
    }
}
