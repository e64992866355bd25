import JarvisCore

extension Page {
    /// Clicks an element; see `click(_:label:timeout:)`.
    func click(_ element: PageElement, _ click: Click, _ timeout: Duration) async throws {
        let clock = MonotonicClock.system
        let deadline = clock.now() + timeout
        var tries = 0
        while true {
            // Whether it is at rest is seen while the mouse is on its way; both take until the page draws its next frame.
            let isFirst = tries == 0
            let place = try await ready(
                element, isFirst ? .reaching : .clicking, max(deadline - clock.now(), .milliseconds(1)))
            async let stays = isFirst ? rests(element, place) : true
            try await mouse("mouseMoved", place.x, place.y, modifiers: click.modifiers)
            // The mouse over it may have moved it or laid something over it.
            tries += 1
            let isStill = try await stays
            if tries < 8, clock.now() < deadline {
                guard isStill, try await meets(element, place) else { continue }
            }
            try await press(click, at: place)
            return
        }
    }

    private func rests(_ element: PageElement, _ place: ReadyPlace) async throws -> Bool {
        try await asked("rests", [JSONValue(element.number), place.innerBox, element.again], of: element)
    }

    private func press(_ click: Click, at place: ReadyPlace) async throws {
        do {
            try await holding(click.modifiers) {
                for count in 1...(click.isDouble ? 2 : 1) {
                    try await mouse(
                        "mousePressed", place.x, place.y, button: click.button, held: click.button.mask, count: count,
                        modifiers: click.modifiers)
                    try await mouse(
                        "mouseReleased", place.x, place.y, button: click.button, count: count,
                        modifiers: click.modifiers)
                }
            }
        } catch let error as BrowserError where error.code == "unknown_tab" && !isOpen {
            // The click has closed the tab.
        }
    }

    private func meets(_ element: PageElement, _ place: ReadyPlace) async throws -> Bool {
        let arguments = [JSONValue(element.number), .double(place.innerX), .double(place.innerY), element.again]
        return try await asked("meets", arguments, of: element)
    }

    // A document that is being replaced has no answer; a page behind a dialog has nothing against it.
    private func asked(_ name: String, _ arguments: [JSONValue], of element: PageElement) async throws -> Bool {
        do {
            return try await script(name, arguments, on: element)?.boolValue ?? false
        } catch let error as BrowserError where error.code == "dialog_open" {
            return true
        } catch let error as BrowserError where error.isPassing {
            return false
        }
    }

    /// Moves the mouse over an element.
    func hover(_ element: PageElement, _ timeout: Duration) async throws {
        let place = try await ready(element, [.visible, .stable, .scroll, .hit], timeout)
        try await mouse("mouseMoved", place.x, place.y)
    }

    /// Scrolls an element into view.
    func scrollIntoView(_ element: PageElement, _ timeout: Duration) async throws {
        _ = try await ready(element, [.visible, .stable, .scroll], timeout)
    }

    /// Drags an element onto another one, with the mouse, or where the page says so by drag and drop of its own.
    func drag(_ from: PageElement, to target: PageElement, _ timeout: Duration) async throws {
        let start = try await ready(from, .clicking, timeout)
        state.change { $0.drag = nil }
        _ = try await send("Input.setInterceptDrags", ["enabled": true])
        do {
            try await dragged(from, start, target, timeout)
        } catch {
            // Whatever failed, the button must not stay down.
            try? await mouse("mouseReleased", start.x, start.y, button: .left, count: 1)  // the first error counts
            await allowDrags()
            throw error
        }
        await allowDrags()
    }

    private func allowDrags() async {
        _ = try? await send("Input.setInterceptDrags", ["enabled": false])  // a tab that is gone has no drags
        state.change { $0.drag = nil }
    }

    private func dragged(
        _ from: PageElement, _ start: ReadyPlace, _ target: PageElement, _ timeout: Duration
    ) async throws {
        _ = try await script("watchDrag", [], on: from)
        try await mouse("mouseMoved", start.x, start.y)
        try await mouse("mousePressed", start.x, start.y, button: .left, held: 1, count: 1)
        let end = try await ready(target, [.visible, .stable, .scroll], timeout)
        // A drag begins after a few pixels, and libraries want to see the mouse move.
        let steps = 12
        var data: JSONValue?
        for step in 1...steps {
            let part = Double(step) / Double(steps)
            let x = start.x + (end.x - start.x) * part
            let y = start.y + (end.y - start.y) * part
            if let data {
                try await drop("dragOver", x, y, data)
                continue
            }
            try await mouse("mouseMoved", x, y, button: .left, held: 1)
            if step <= 4, try await dragBegan(from) {
                data = await state.wait(.seconds(3)) { $0.drag }
                if let data { try await drop("dragEnter", x, y, data) }
            }
        }
        if let data {
            try await drop("dragOver", end.x, end.y, data)
            try await drop("drop", end.x, end.y, data)
        } else {
            try await mouse("mouseMoved", end.x, end.y, button: .left, held: 1)
            try await mouse("mouseReleased", end.x, end.y, button: .left, count: 1)
        }
    }

    private func dragBegan(_ element: PageElement) async throws -> Bool {
        if state.read({ $0.drag != nil }) { return true }
        return try await script("dragBegan", [], on: element)?.boolValue ?? false
    }

    private func drop(_ type: String, _ x: Double, _ y: Double, _ data: JSONValue) async throws {
        _ = try await send(
            "Input.dispatchDragEvent", ["type": .string(type), "x": .double(x), "y": .double(y), "data": data])
    }
}
