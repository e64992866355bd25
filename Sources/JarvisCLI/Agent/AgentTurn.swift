import JarvisClient
import JarvisCore
import Synchronization

/// One message and its answer over the `agent` method, across restarts of the gateway: the message carries an
/// idempotency key, so saying it again never makes a second run.
struct AgentTurn: Sendable {
    /// How it ended.
    struct Outcome: Sendable {
        /// The method's last answer: `{runId, status, summary, result?}`.
        var answer: JSONValue
        /// The answer's text.
        var text: String
        var wasAborted: Bool
    }

    let link: GatewayLink
    let params: JSONObject
    /// How long to wait in all.
    let limit: Duration
    /// Shows the answer as it grows; nil when nobody watches.
    let printer: AnswerPrinter?
    /// How long a gateway that went away may stay away.
    var patience = Duration.seconds(60)

    private var runId: String { params["idempotencyKey"]?.stringValue ?? "" }

    /// - Throws: `agent.timeout`, exit 1; `CancellationError` after the second Ctrl-C; the gateway's refusals.
    func run() async throws -> Outcome {
        let interrupts = Interrupts()
        let watch = InterruptWatch { interrupts.press() }
        defer { watch.cancel() }
        return try await withThrowingTaskGroup(of: Outcome.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await attempts(interrupts) }
            group.addTask {
                try await interrupts.pressed(1)
                await abort(interrupts)
                try await interrupts.pressed(2)
                throw CancellationError()
            }
            guard let outcome = try await group.next() else { throw CancellationError() }
            return outcome.settingAbort(interrupts.count > 0)
        }
    }

    /// Says the message again on a new connection until there is an answer.
    private func attempts(_ interrupts: Interrupts) async throws -> Outcome {
        let deadline = ContinuousClock.now + limit
        var client = try await link.connected()
        while true {
            do {
                return try await attempt(client, interrupts, deadline)
            } catch {
                guard GatewayLink.isLost(error), ContinuousClock.now < deadline else { throw error }
                let until = min(deadline, ContinuousClock.now + patience)
                client = try await link.reconnected(until: until) {
                    Terminal.error("the gateway went away; waiting for it to come back …")
                }
            }
        }
    }

    private func attempt(
        _ client: RPCClient, _ interrupts: Interrupts, _ deadline: ContinuousClock.Instant
    ) async throws -> Outcome {
        try await withThrowingTaskGroup(of: Outcome?.self) { group in
            defer { group.cancelAll() }
            group.addTask {
                for await event in client.events { show(event, interrupts) }
                return nil
            }
            group.addTask { try await answer(client, deadline) }
            while let result = try await group.next() {
                if let result { return result }
            }
            throw CancellationError()
        }
    }

    private func answer(_ client: RPCClient, _ deadline: ContinuousClock.Instant) async throws -> Outcome {
        let left = deadline - ContinuousClock.now
        let call = try await client.callExpectingFinal(
            "agent", .object(params), timeout: .seconds(30), finalTimeout: left)
        var answer = call.first
        do {
            switch answer["status"]?.stringValue {
            case "accepted": answer = try await call.final()
            case "in_flight": answer = try await waited(client, deadline)
            default: break
            }
        } catch let error as JarvisError where error.code == "client.timeout" {
            _ = try? await client.call("chat.abort", abortParams(nil))  // the timeout is what is told
            throw JarvisError("agent.timeout", "no answer within the time allowed; the run was aborted")
        }
        var text = Self.text(of: answer)
        if text.isEmpty, answer["result"] == nil { text = try await storedText(client) }
        return Outcome(answer: answer, text: text, wasAborted: answer["summary"]?.stringValue == "aborted")
    }

    private func waited(_ client: RPCClient, _ deadline: ContinuousClock.Instant) async throws -> JSONValue {
        while true {
            let answer = try await client.call(
                "agent.wait", ["runId": .string(runId), "timeoutMs": 30_000], timeout: .seconds(40))
            if answer["status"]?.stringValue != "timeout" { return answer }
            if ContinuousClock.now >= deadline {
                throw JarvisError("agent.timeout", "no answer within the time allowed")
            }
        }
    }

    /// The answer of a run that ended while nobody was connected.
    private func storedText(_ client: RPCClient) async throws -> String {
        let key =
            params["sessionKey"]?.stringValue ?? params["agentId"]?.stringValue.map { "agent:\($0):main" } ?? "main"
        let history = try await client.call("chat.history", ["sessionKey": .string(key), "limit": 50])
        let message = history["messages"]?.arrayValue?.last {
            $0["runId"]?.stringValue == runId && $0["role"]?.stringValue == "assistant"
        }
        return message.map(ChatText.plain) ?? ""
    }

    private func show(_ event: GatewayEvent, _ interrupts: Interrupts) {
        guard event.name == "agent", event.payload["runId"]?.stringValue == runId else { return }
        if let key = event.payload["sessionKey"]?.stringValue { interrupts.learn(sessionKey: key) }
        guard event.payload["stream"]?.stringValue == "assistant",
            let text = event.payload["data"]?["text"]?.stringValue
        else { return }
        printer?.update(text)
    }

    private func abort(_ interrupts: Interrupts) async {
        Terminal.error("\naborting … (Ctrl-C again leaves at once)")
        let client = try? await link.connected()  // away: then the second Ctrl-C ends it
        _ = try? await client?.call("chat.abort", abortParams(interrupts.sessionKey))  // the run's end tells
    }

    private func abortParams(_ key: String?) -> JSONValue {
        let fallback = params["sessionKey"]?.stringValue ?? "main"
        return ["sessionKey": .string(key ?? fallback), "runId": .string(runId)]
    }

    private static func text(of answer: JSONValue) -> String {
        (answer["result"]?["payloads"]?.arrayValue ?? []).compactMap { $0["text"]?.stringValue }.joined(separator: "\n")
    }
}

extension AgentTurn.Outcome {
    fileprivate func settingAbort(_ pressed: Bool) -> AgentTurn.Outcome {
        var outcome = self
        outcome.wasAborted = wasAborted && pressed
        return outcome
    }
}

/// Ctrl-C presses, to be awaited, and the session that a press aborts.
final class Interrupts: Sendable {
    private struct State {
        var count = 0
        var sessionKey: String?
    }

    private let state = Mutex(State())

    func press() { state.withLock { $0.count += 1 } }

    /// Returns when there were so many presses.
    ///
    /// - Throws: `CancellationError`.
    func pressed(_ wanted: Int) async throws {
        // A person notices no twentieth of a second, and nothing can be missed this way.
        while count < wanted { try await Task.sleep(for: .milliseconds(50)) }
    }

    /// How many presses there were.
    var count: Int { state.withLock { $0.count } }
    var sessionKey: String? { state.withLock { $0.sessionKey } }
    func learn(sessionKey: String) { state.withLock { $0.sessionKey = sessionKey } }
}
