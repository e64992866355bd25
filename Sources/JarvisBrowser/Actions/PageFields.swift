import JarvisCore

extension Page {
    /// Types into a field in place of what is in it: at once, or (`slowly`) key by key.
    ///
    /// - Returns: what to tell the caller; nil when the field holds just that.
    func type(_ text: String, into element: PageElement, slowly: Bool, _ timeout: Duration) async throws -> String? {
        _ = try await ready(element, .filling, timeout)
        let field = try await field(element)
        switch field.kind {
        case "text": break
        case "direct" where !slowly: return try await setDirectly(field, text)
        case "select":
            throw BrowserError.argument(
                "\(element.label) is a <select>: choose with kind \"select\" and values [\"\(text.prefix(60))\"].")
        case "file":
            throw BrowserError.argument(
                "\(element.label) takes files: hand them in with POST /hooks/file-chooser {\"paths\": […], \"inputRef\":"
                    + " \"…\"}.")
        case "none" where slowly, "direct":
            try await click(element, Click(), timeout)
            try await type(text, pause: Self.keyPause)
            return nil
        default:
            throw BrowserError.argument(
                "\(element.label) is no field to type into (\(field.what)). With \"slowly\": true it is clicked and the"
                    + " keys are pressed all the same.")
        }
        guard slowly else { return try await replace(field, text, timeout) }
        try await click(element, Click(), timeout)
        let entered = try await answer("enter", [true], field.element)
        if entered["empty"]?.boolValue != true { try await press(try KeyChord("Delete")) }
        try await type(text, pause: Self.keyPause)
        return nil
    }

    // Pages that look up while the user types see every key.
    private static let keyPause = Duration.milliseconds(20)

    /// Puts a value into a field of any kind.
    ///
    /// - Returns: what to tell the caller.
    func fill(_ fill: FillField, _ element: PageElement, _ timeout: Duration) async throws -> String? {
        let checks: ReadyChecks = fill.type == "file" ? [] : [.visible, .enabled]
        _ = try await ready(element, checks, timeout)
        let field = try await field(element)
        switch field.kind {
        case "check":
            try await check(field, fill.isOn, by: element, timeout)
            return nil
        case "select":
            _ = try await choose([fill.value], in: element, timeout)
            return nil
        case "direct":
            _ = try await ready(element, .filling, timeout)
            return try await setDirectly(field, fill.value)
        case "file":
            throw BrowserError.argument(
                "\(element.label) takes files: hand them in with POST /hooks/file-chooser {\"paths\": […], \"inputRef\":"
                    + " \"…\"}.")
        case "text":
            _ = try await ready(element, .filling, timeout)
            return try await replace(field, fill.value, timeout)
        default:
            throw BrowserError.argument("\(element.label) is no field that could be filled (\(field.what)).")
        }
    }

    /// Chooses options of a `<select>` by value or label; waits for those that come late.
    ///
    /// - Returns: the values that are chosen now.
    func choose(_ values: [String], in element: PageElement, _ timeout: Duration) async throws -> [String] {
        let clock = MonotonicClock.system
        let deadline = clock.now() + timeout
        _ = try await ready(element, [.visible, .enabled, .scroll], timeout)
        while true {
            let answer = try await answer("choose", [JSONValue(values)], element)
            if let chosen = answer["values"]?.arrayValue { return chosen.compactMap(\.stringValue) }
            if let what = answer["wrong"]?.stringValue {
                throw BrowserError.argument(
                    "\(element.label) is no <select> (\(what)): click it, take a snapshot, and click the option.")
            }
            if answer["single"]?.boolValue == true {
                throw BrowserError.argument(
                    "\(element.label) takes one option; values has \(values.count).")
            }
            guard clock.now() < deadline else { throw Self.noOption(element, answer) }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    private static func noOption(_ element: PageElement, _ answer: JSONValue) -> BrowserError {
        let listed = (answer["listed"]?.arrayValue ?? []).map { option in
            let (value, label) = (option["value"]?.stringValue ?? "", option["label"]?.stringValue ?? "")
            return value == label ? "\"\(label)\"" : "\"\(label)\" (value \"\(value)\")"
        }
        let more = (answer["total"]?.intValue ?? 0) - listed.count
        let wanted = answer["missing"]?.stringValue ?? answer["closed"]?.stringValue ?? ""
        let why = answer["closed"] == nil ? "has no option" : "does not let the option be chosen:"
        return BrowserError(
            400, "unknown_option",
            "\(element.label) \(why) \"\(wanted.prefix(80))\". Options: \(listed.joined(separator: ", ").prefix(1_500))"
                + (more > 0 ? " and \(more) more." : "."))
    }

    /// A form field and what it takes.
    struct Field: Sendable {
        var element: PageElement
        var kind: String
        var type: String
        var what: String
        var isChecked: Bool
    }

    private func field(_ element: PageElement) async throws -> Field {
        let answer = try await answer("field", [], element)
        var inner = element
        inner.number = answer["number"]?.intValue ?? element.number
        // The element stands in for none but itself.
        if inner.number != element.number { inner.again = .null }
        return Field(
            element: inner, kind: answer["kind"]?.stringValue ?? "none", type: answer["type"]?.stringValue ?? "",
            what: answer["what"]?.stringValue ?? "", isChecked: answer["checked"]?.boolValue ?? false)
    }

    private func answer(_ name: String, _ arguments: [JSONValue], _ element: PageElement) async throws -> JSONValue {
        guard let answer = try await script(name, [JSONValue(element.number)] + arguments, on: element) else {
            throw Self.gone(element, "belongs to a page that is gone")
        }
        if let why = answer["gone"]?.stringValue { throw Self.gone(element, why) }
        return answer
    }

    // A box that is hidden behind its label is clicked there.
    private func check(_ field: Field, _ wanted: Bool, by element: PageElement, _ timeout: Duration) async throws {
        if field.isChecked == wanted { return }
        if field.type == "radio", !wanted {
            throw BrowserError.argument(
                "\(field.element.label) is a radio button and can't be switched off: choose another one of its group.")
        }
        try await click(element, Click(), timeout)
        let now = try await self.field(field.element)
        guard now.isChecked == wanted else {
            throw BrowserError(
                409, "not_changed", "\(field.element.label) was clicked and is still \(wanted ? "off" : "on").")
        }
    }

    private func setDirectly(_ field: Field, _ value: String) async throws -> String? {
        let answer = try await answer("setDirect", [.string(value)], field.element)
        if let form = answer["bad"]?.stringValue {
            throw BrowserError.argument(
                "\(field.element.label) does not take \"\(value.prefix(60))\": a field of type \(field.type) wants \(form)."
            )
        }
        return nil
    }

    // Selects all and puts the text in its place, in one input as from a clipboard.
    private func replace(_ field: Field, _ text: String, _ timeout: Duration) async throws -> String? {
        if field.type == "number", !text.isEmpty, Double(text) == nil {
            throw BrowserError.argument("\(field.element.label) takes numbers, not \"\(text.prefix(60))\".")
        }
        let entered = try await answer("enter", [true], field.element)
        if text.isEmpty {
            if entered["empty"]?.boolValue != true { try await press(try KeyChord("Delete")) }
        } else {
            try await insert(text)
        }
        guard let now = try? await answer("text", [], field.element) else { return nil }  // gone with what it set off
        let value = now["value"]?.stringValue ?? ""
        guard Self.plain(value) != Self.plain(text), field.type != "password" else { return nil }
        return
            "The field \(field.element.label) holds \"\(value.prefix(200))\" now: the page has changed what was typed."
    }

    // Line ends and spaces differ between what is typed and what editors keep.
    private static func plain(_ text: String) -> String {
        String(text.filter { !$0.isWhitespace && $0 != "\u{feff}" && $0 != "\u{200b}" })
    }
}
