import JarvisCore
import JarvisProtocol
import NIOCore

/// Connected pages that show the canvas, and what they are asked for.
extension Gateway {
    /// `connection` shows the canvas when it is to be seen; the one that its owner sees, and came last, is asked.
    func attachRenderer(_ connection: Int, isVisible: Bool) {
        canvas.renderers.removeAll { $0.connection == connection }
        canvas.renderers.append(CanvasRenderer(connection: connection, isVisible: isVisible))
    }

    /// `connection` is gone, or shows the canvas no more.
    func forgetRenderer(_ connection: Int) {
        canvas.renderers.removeAll { $0.connection == connection }
        for (id, question) in canvas.asked where question.connection == connection {
            finish(id, .failure(JarvisError("canvas.nobody", "the page that showed the canvas went away")))
        }
    }

    /// Asks one page for something and waits for its answer.
    ///
    /// - Throws: `canvas.nobody` when no page is connected, `canvas.script` with what the page said, `canvas.timeout`.
    func ask(_ question: JSONValue, timeoutMs: Int) async throws -> JSONValue {
        _ = try await canvasFiles()
        guard let renderer = canvas.renderers.last(where: \.isVisible) ?? canvas.renderers.last else {
            throw JarvisError(
                "canvas.nobody", "no page shows the canvas: the control page must be open and signed in",
                hint: "Open it with: \(instance.command) dashboard")
        }
        guard canvas.asked.count < CanvasHost.questionLimit else {
            throw WireError.unavailable("the canvas has too much to do at once", retryAfterMs: 1000)
        }
        let id = Identifiers.randomHex(bytes: 16)
        var event = question
        event["id"] = .string(id)
        event["scene"] = canvas.scene.json
        event["timeoutMs"] = JSONValue(timeoutMs)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let timeout = loop.scheduleTask(in: .milliseconds(Int64(timeoutMs))) { [self] in
                    assumeIsolated { gateway in
                        gateway.finish(
                            id,
                            .failure(
                                JarvisError("canvas.timeout", "the page did not answer within \(timeoutMs) ms")))
                    }
                }
                canvas.asked[id] = CanvasQuestion(
                    connection: renderer.connection, answer: continuation, timeout: timeout)
                send("canvas", event, to: [renderer.connection])
            }
        } onCancel: {
            loop.execute { self.assumeIsolated { $0.finish(id, .failure(CancellationError())) } }
        }
    }

    /// A page's answer; whether it was awaited from there.
    func canvasAnswered(_ id: String, by connection: Int, _ answer: JSONValue) -> Bool {
        guard canvas.asked[id]?.connection == connection else { return false }
        if answer["ok"]?.boolValue == true {
            finish(id, .success(answer))
        } else {
            let text = answer["error"]?.stringValue ?? "the page gave no reason"
            finish(
                id,
                .failure(
                    JarvisError("canvas.script", "the page says: \(canvas.capabilities.redact(text).prefix(4000))"))
            )
        }
        return true
    }

    private func finish(_ id: String, _ result: Result<JSONValue, any Error>) {
        guard let question = canvas.asked.removeValue(forKey: id) else { return }
        question.timeout.cancel()
        question.answer.resume(with: result)
    }
}
