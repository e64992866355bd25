import JarvisCore

/// What must be true before an element gets input.
struct ReadyChecks: OptionSet, Sendable, Hashable {
    let rawValue: Int

    init(rawValue: Int) { self.rawValue = rawValue }

    /// It is rendered and has a size.
    static let visible = ReadyChecks(rawValue: 1)
    /// It has not moved for two frames.
    static let stable = ReadyChecks(rawValue: 2)
    /// It is not disabled.
    static let enabled = ReadyChecks(rawValue: 4)
    /// It is not read-only.
    static let editable = ReadyChecks(rawValue: 8)
    /// It is scrolled into view.
    static let scroll = ReadyChecks(rawValue: 16)
    /// The mouse would meet it.
    static let hit = ReadyChecks(rawValue: 32)

    /// Nothing on the page is known to be moving; else as `stable`.
    static let calm = ReadyChecks(rawValue: 64)

    /// For a click whose caller watches whether the element rests.
    static let reaching: ReadyChecks = [.visible, .calm, .enabled, .scroll, .hit]
    /// For a click.
    static let clicking: ReadyChecks = [.visible, .stable, .enabled, .scroll, .hit]
    /// For putting a value into a field.
    static let filling: ReadyChecks = [.visible, .enabled, .editable, .scroll]

    var words: JSONValue {
        let all: [(ReadyChecks, JSONValue)] = [
            (.visible, "visible"), (.stable, "stable"), (.enabled, "enabled"), (.editable, "editable"),
            (.scroll, "scroll"), (.hit, "hit"), (.calm, "calm"),
        ]
        return .array(all.filter { contains($0.0) }.map(\.1))
    }
}

/// Where an element can take the mouse.
struct ReadyPlace: Sendable, Hashable {
    /// In the viewport of the main frame, in CSS pixels.
    var x: Double
    var y: Double
    /// In the viewport of the element's own frame.
    var innerX: Double
    var innerY: Double
    /// Its box in the viewport of its own frame: left, top, width, height.
    var innerBox: JSONValue
    /// The size of the element as the main frame shows it.
    var size: Size

    struct Size: Sendable, Hashable {
        var width: Double
        var height: Double
    }
}

extension Page {
    /// Waits until an element can take input and scrolls it into view.
    ///
    /// - Throws: `BrowserError` 408 `not_actionable` that names the check and what was seen; 404 `unknown_ref` when the
    ///   element has gone; 400 when it never can.
    func ready(_ element: PageElement, _ checks: ReadyChecks, _ timeout: Duration) async throws -> ReadyPlace {
        let clock = MonotonicClock.system
        let deadline = clock.now() + timeout
        var round = 0
        while true {
            var missing: String
            do {
                switch try await attempt(element, checks, round) {
                case .ready(let place): return place
                case .wait(let why): missing = why
                }
            } catch let error as BrowserError where error.isPassing {
                missing = "is in a page that is being replaced"
            }
            guard clock.now() < deadline else { throw Self.notReady(element, missing, timeout) }
            // Quick at first: most of what is waited for is there at the second look.
            let pauses = [10, 20, 50, 100, 100, 250]
            let pause = Duration.milliseconds(pauses[min(round, pauses.count - 1)])
            try await Task.sleep(for: min(pause, max(deadline - clock.now(), .milliseconds(1))))
            round += 1
        }
    }

    private enum Attempt {
        case ready(ReadyPlace)
        case wait(String)
    }

    private func attempt(_ element: PageElement, _ checks: ReadyChecks, _ round: Int) async throws -> Attempt {
        let arguments = [JSONValue(element.number), checks.words, element.again, JSONValue(round)]
        guard let answer = try await script("ready", arguments, on: element, timeout: .seconds(10)) else {
            throw Self.gone(element, "belongs to a page that is gone")
        }
        if let why = answer["gone"]?.stringValue { throw Self.gone(element, why) }
        if let why = answer["wrong"]?.stringValue { throw BrowserError.argument("\(element.label) \(why).") }
        if let why = answer["wait"]?.stringValue { return .wait(why) }
        let x = answer["x"]?.doubleValue ?? 0
        let y = answer["y"]?.doubleValue ?? 0
        var place = ReadyPlace(
            x: x, y: y, innerX: x, innerY: y, innerBox: answer["box"] ?? .null,
            size: .init(width: answer["box"]?[2]?.doubleValue ?? 0, height: answer["box"]?[3]?.doubleValue ?? 0))
        var frame = element.frame
        while let parent = frames.first(where: { $0.id == frame })?.parent {
            guard let outer = try await through(frame, in: parent, place) else {
                return .wait("is in a frame that has no place on the page")
            }
            if let why = outer["wait"]?.stringValue { return .wait(why) }
            place.x = outer["x"]?.doubleValue ?? 0
            place.y = outer["y"]?.doubleValue ?? 0
            place.size.width *= outer["sx"]?.doubleValue ?? 1
            place.size.height *= outer["sy"]?.doubleValue ?? 1
            frame = parent
        }
        return .ready(place)
    }

    // A point of `frame` in the coordinates of its parent.
    private func through(_ frame: String, in parent: String, _ place: ReadyPlace) async throws -> JSONValue? {
        let point = [JSONValue.double(place.x), .double(place.y)]
        if let known = refs.owner(of: frame), known.owner.frame == parent,
            let answer = try await script(
                "through", [JSONValue(known.owner.number)] + point, frame: parent, token: known.token),
            answer["gone"] == nil
        {
            return answer
        }
        guard let owner = try await owner(of: frame, in: parent) else { return nil }
        let answer = try await script("through", [JSONValue(owner)] + point, frame: parent)
        return answer?["gone"] == nil ? answer : nil
    }

    // The number of the element that shows `frame`, looked for among all of the parent's frames.
    private func owner(of frame: String, in parent: String) async throws -> Int? {
        guard let answer = try await script("frames", [], frame: parent) else { return nil }
        let token = answer["token"]?.stringValue ?? ""
        for number in (answer["numbers"]?.arrayValue ?? []).compactMap(\.intValue) {
            let owner = FrameOwner(frame: parent, number: number)
            guard let shown = try await self.frame(shownBy: owner) else { continue }
            refs.note(owners: [owner: shown], tokens: [parent: token])
            if shown == frame { return number }
        }
        return nil
    }

    static func gone(_ element: PageElement, _ why: String) -> BrowserError {
        BrowserError(
            404, "unknown_ref",
            "The element \(element.label) \(why). Take a new snapshot (GET /snapshot) and use a ref from it.")
    }

    private static func notReady(_ element: PageElement, _ missing: String, _ timeout: Duration) -> BrowserError {
        // What is left of the time after other steps is no round number.
        let rounded = Duration.milliseconds(Int((timeout / .milliseconds(1) / 10).rounded(.up)) * 10)
        return BrowserError(
            408, "not_actionable",
            "The element \(element.label) could not be used in time (\(Self.text(rounded))): it \(missing.prefix(400))."
        )
    }
}

extension BrowserError {
    /// Whether a document was replaced under a call: the next one meets the new document.
    var isPassing: Bool {
        if code == "unknown_ref" || code == "dialog_open" || status == 404 { return false }
        return ["context was destroyed", "Inspected target navigated", "Cannot find context", "Target closed"].contains
        {
            message.contains($0)
        }
    }
}
