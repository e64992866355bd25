import JarvisCore

extension BrowserRoutes {
    static let actions: [BrowserRoute] = [
        BrowserRoute("POST", "/act", "Does something in a tab: clicks, types, chooses, drags, waits, runs a script.") {
            call in
            let body = call.request.body
            let action = try ActRequest(body)
            let timeout = try ActRequest.timeout(body)
            let page = try await call.page()
            switch action {
            case .close:
                try await page.session.close(page)
                return ["ok": true, "targetId": .string(page.targetId)]
            case .wait:
                try await page.wait(for: try PageCondition(call), timeout: timeout)
                return page.acted()
            default:
                let clicked = action.clicked.flatMap { try? page.handle($0).frame }  // the action refuses unknown refs
                let (outcome, effects) = try await page.settlingWithEffects(in: clicked) {
                    try await page.perform(action, timeout)
                }
                return page.acted(outcome, effects)
            }
        }
    ]
}

/// What an action brought.
struct ActOutcome: Sendable, Hashable {
    /// What it returns to the caller; nil for nothing.
    var result: JSONValue?
    /// Things that the caller should know.
    var notes: [String] = []
}

extension Page {
    /// Does what is asked. Does not wait for what that sets off.
    func perform(_ action: ActRequest, _ timeout: Duration) async throws -> ActOutcome {
        var outcome = ActOutcome()
        switch action {
        case .click(let ref, let click):
            try await self.click(try await present(ref), click, timeout)
        case .type(let ref, let text, let submit, let slowly):
            if let note = try await type(text, into: try await present(ref), slowly: slowly, timeout) {
                outcome.notes.append(note)
            }
            if submit { try await press(try KeyChord("Enter")) }
        case .press(let chord, let delay): try await press(chord, holding: delay)
        case .hover(let ref): try await hover(try await present(ref), timeout)
        case .scrollIntoView(let ref): try await scrollIntoView(try await present(ref), timeout)
        case .drag(let from, let to):
            let target = try await present(to)
            try await drag(try await present(from), to: target, timeout)
        case .select(let ref, let values):
            outcome.result = JSONValue(try await choose(values, in: try await present(ref), timeout))
        case .fill(let fields): outcome.notes = try await fill(fields, timeout)
        case .resize(let width, let height): try await resize(width: width, height: height)
        case .evaluate(let function, let ref):
            var element: PageElement?
            if let ref { element = try await self.element(ref: ref) }
            let value = try await evaluate(function, on: element, timeout: timeout)
            outcome.result = value.value
            if let length = value.cutFrom {
                outcome.notes.append(
                    "The result is cut: its JSON has \(length) characters, of which \(Evaluation.limit) are here.")
            }
        case .wait, .close: break
        }
        return outcome
    }

    // Nothing of a form is touched when one of its refs is unknown.
    private func fill(_ fields: [FillField], _ timeout: Duration) async throws -> [String] {
        var elements: [PageElement] = []
        for field in fields { elements.append(try await present(field.ref)) }
        var notes: [String] = []
        for (index, (field, element)) in zip(fields, elements).enumerated() {
            do {
                if let note = try await fill(field, element, timeout) { notes.append(note) }
            } catch let error as BrowserError where fields.count > 1 {
                throw BrowserError(
                    error.status, error.code,
                    "Field \(index + 1) of \(fields.count) (those before it are filled): \(error.message)")
            }
        }
        return notes
    }

    // The element of a ref, without what only other commands need.
    private func present(_ ref: String) async throws -> PageElement {
        let element = try handle(ref)
        guard frames.contains(where: { $0.id == element.frame }) else {
            throw Self.gone(element, "is in a frame that is gone")
        }
        return element
    }

    /// The answer to an action.
    func acted(_ outcome: ActOutcome = ActOutcome(), _ effects: PageEffects = PageEffects()) -> JSONValue {
        var reply: JSONValue = ["ok": true, "targetId": .string(targetId), "url": .string(url)]
        if let result = outcome.result { reply["result"] = result }
        if effects.didNavigate { reply["navigated"] = true }
        effects.add(to: &reply)
        var notes = outcome.notes
        if !isOpen { notes.append("The tab has closed.") }
        if let note = reply["note"]?.stringValue { notes.append(note) }
        if effects.didNavigate, effects.dialog == nil {
            notes.append("The tab shows another page: take a new snapshot before the next action.")
        }
        if !notes.isEmpty { reply["note"] = .string(notes.joined(separator: " ")) }
        return reply
    }
}
