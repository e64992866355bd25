import JarvisCore

/// What a script of the caller returned.
package struct Evaluation: Sendable, Hashable {
    /// The value; `null` for undefined. When it was cut: the beginning of its JSON, as text.
    package var value: JSONValue
    /// How long its JSON was when it was cut; nil when it is whole.
    package var cutFrom: Int?

    /// The most characters of JSON that a result may have.
    package static let limit = 100_000

    /// Whether JavaScript would take the value for true.
    package var isTrue: Bool {
        switch value {
        case .null: false
        case .bool(let flag): flag
        case .int(let number): number != 0
        case .double(let number): number != 0
        case .string(let text): !text.isEmpty && text != "NaN"
        case .array, .object: true
        }
    }

    // The caller's text is an expression (also one that gives a function).
    static func expression(_ source: String) -> String {
        declaration(
            "const value = (\(trimmed(source))\n);", call: "typeof value === 'function' ? value(element) : value")
    }

    // Or it is the body of a function.
    static func body(_ source: String) -> String {
        declaration("const value = async (element) => { \(source)\n};", call: "value(element)")
    }

    private static func trimmed(_ source: String) -> Substring {
        var text = source[...]
        while let last = text.last, last == ";" || last.isWhitespace { text.removeLast() }
        return text
    }

    // Puts into words what JSON can't carry, in the page, so that a large result never crosses the pipe whole.
    private static func declaration(_ prelude: String, call: String) -> String {
        """
        async function(element, limit) {
          \(prelude)
          const result = await (\(call));
          if (result === undefined) return { kind: 'undefined' };
          const shown = (key, v) => {
            if (typeof v === 'bigint') return String(v);
            if (typeof v === 'number' && !Number.isFinite(v)) return String(v);
            if (typeof v === 'function' || typeof v === 'symbol') return String(v).slice(0, 200);
            if (v === null || typeof v !== 'object') return v;
            if (v instanceof Node) return v.nodeType === 1 ? v.cloneNode(false).outerHTML.slice(0, 500) : v.nodeName;
            if (v === window) return '[window]';
            if (v instanceof Map) return [...v];
            if (v instanceof Set) return [...v];
            if (v instanceof Error) return { name: v.name, message: v.message };
            return v;
          };
          let text;
          try { text = JSON.stringify(result, shown) } catch (error) { text = JSON.stringify(String(result)) }
          if (text === undefined) return { kind: 'undefined' };
          if (text.length <= limit) return { kind: 'json', text };
          return { kind: 'cut', text: text.slice(0, limit), length: text.length };
        }
        """
    }
}

extension SessionRules {
    /// Fails unless scripts of the caller may run.
    ///
    /// - Throws: `BrowserError` 403 `evaluate_disabled`.
    package func requireEvaluation() throws {
        guard mayEvaluate else {
            throw BrowserError(
                403, "evaluate_disabled",
                "Scripts are turned off (browser.evaluateEnabled is false): set it to true to run them.")
        }
    }
}

extension Page {
    /// Runs a script of the caller in the page's own world: an expression, a function (which gets `element`), or the
    /// body of one. A promise is waited for; a script that runs on after `timeout` is ended.
    ///
    /// - Throws: `BrowserError` 403 `evaluate_disabled`, 500 `script_error`, 408, and what `call` throws.
    package func evaluate(
        _ source: String, on element: PageElement? = nil, timeout: Duration = .seconds(30)
    ) async throws -> Evaluation {
        try session.rules.requireEvaluation()
        let frame = element?.frame
        var object: String?
        if let element { object = try await ownWorldObject(of: element, timeout: timeout) }
        let handle = object
        defer { if let handle { release(handle, frame: frame) } }
        let arguments: [JSONValue] = [
            handle.map { (["objectId": .string($0)] as JSONValue) } ?? .null, JSONValue(Evaluation.limit),
        ]
        do {
            let answer: JSONValue
            do {
                answer = try await call(
                    Evaluation.expression(source), arguments, frame: frame, isolated: false, timeout: timeout)
            } catch let error as BrowserError where error.message.contains("SyntaxError") {
                do {
                    answer = try await call(
                        Evaluation.body(source), arguments, frame: frame, isolated: false, timeout: timeout)
                } catch let second as BrowserError where second.message.contains("SyntaxError") {
                    throw error
                }
            }
            return Self.evaluation(answer)
        } catch let error as BrowserError where error.code == "timeout" {
            if let id = state.read({ $0.tree.session(of: frame) }) {
                session.connection.post("Runtime.terminateExecution", [:], session: id)
            }
            throw BrowserError(408, "timeout", "The script did not end within \(Self.text(timeout)); it was stopped.")
        }
    }

    // The element as an object of the page's own world: refs are held in ours.
    private func ownWorldObject(of element: PageElement, timeout: Duration) async throws -> String? {
        let world: Worlds.World? = await state.wait(.seconds(5)) { $0.worlds.own[element.frame] }
        var params: JSONValue = ["backendNodeId": JSONValue(element.backendNode)]
        if let world { params["executionContextId"] = JSONValue(world.id) }
        let answer = try await send("DOM.resolveNode", params, frame: element.frame, timeout: timeout)
        return answer["object"]?["objectId"]?.stringValue
    }

    private static func evaluation(_ answer: JSONValue) -> Evaluation {
        guard let text = answer["text"]?.stringValue else { return Evaluation(value: .null) }
        if let length = answer["length"]?.intValue { return Evaluation(value: .string(text), cutFrom: length) }
        // Deeper than documents may be here: as text.
        guard let value = try? JSONParser.parse(text) else { return Evaluation(value: .string(text)) }  // see above
        return Evaluation(value: value)
    }

    /// Gives the tab a viewport of this size in CSS pixels.
    ///
    /// - Throws: `BrowserError` 400 `invalid_size`.
    package func resize(width: Int, height: Int) async throws {
        guard (1...10_000).contains(width), (1...10_000).contains(height) else {
            throw BrowserError(400, "invalid_size", "width and height must be from 1 to 10000 pixels.")
        }
        try await sendEverywhere(
            "Emulation.setDeviceMetricsOverride",
            [
                "width": JSONValue(width), "height": JSONValue(height), "deviceScaleFactor": 0, "mobile": false,
                "screenWidth": JSONValue(width), "screenHeight": JSONValue(height),
            ], remember: "viewport")
    }
}
