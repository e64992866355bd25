import FoundationEssentials
import JarvisCore

/// A picture in the artifacts directory.
package struct CapturedPicture: Sendable, Hashable {
    /// Its file.
    package var path: String
    /// `png` or `jpeg`.
    package var type: String
    /// In pixels.
    package var width: Int
    /// In pixels.
    package var height: Int
    /// The file's size.
    package var bytes: Int
    /// What was cut or scaled, in words; nil: nothing.
    package var note: String?
}

/// What to take a picture of, and how.
struct CaptureRequest: Sendable {
    enum Area: Sendable {
        /// What the tab shows.
        case viewport
        /// The whole document.
        case page
        /// One element.
        case element(PageElement)
    }

    enum Format: String, Sendable, CaseIterable {
        case png
        case jpeg
    }

    var area = Area.viewport
    var format = Format.png
    /// 1 to 100, for JPEG.
    var quality = 85
}

extension Page {
    /// Takes a picture and puts it into the artifacts directory.
    ///
    /// - Throws: `BrowserError`: 500 `disk_full` or `write_failed` when it can't be kept, 409 `not_visible`.
    func capture(_ request: CaptureRequest, prefix: String = "screenshot") async throws -> CapturedPicture {
        var plan = try await plan(request.area)
        var picture = try await take(plan, request)
        var tries = 0
        while picture.count > CapturePlan.mostBytes, tries < 4 {
            tries += 1
            plan = plan.smaller(after: picture.count)
            picture = try await take(plan, request)
        }
        let place = ConfinedPath.fresh(
            in: session.rules.artifacts, prefix: prefix, suffix: request.format == .png ? "png" : "jpg")
        let bytes = picture
        try await offPool { try place.write(bytes) }
        let size = PictureSize.of(bytes) ?? (0, 0)
        return CapturedPicture(
            path: place.path, type: request.format.rawValue, width: size.width, height: size.height, bytes: bytes.count,
            note: plan.note)
    }

    private func plan(_ area: CaptureRequest.Area) async throws -> CapturePlan {
        // First: it scrolls.
        let box: PageBox? = if case .element(let element) = area { try await self.box(of: element) } else { nil }
        let metrics = try await send("Page.getLayoutMetrics")
        let view = metrics["cssVisualViewport"] ?? [:]
        func value(_ object: JSONValue?, _ name: String) -> Double { object?[name]?.doubleValue ?? 0 }
        let pixels = try await call("function () { return window.devicePixelRatio }").doubleValue ?? 1
        let (left, top) = (value(view, "pageX"), value(view, "pageY"))
        switch area {
        case .viewport:
            return CapturePlan(
                x: left, y: top, width: value(view, "clientWidth"), height: value(view, "clientHeight"),
                pixels: pixels, cuts: false)
        case .page:
            let content = metrics["cssContentSize"]
            return CapturePlan(
                x: 0, y: 0, width: value(content, "width"), height: value(content, "height"), pixels: pixels,
                cuts: true)
        case .element:
            let box = box ?? PageBox(x: 0, y: 0, width: 1, height: 1)
            // Whole pixels, so that nothing is blurred.
            let (x, y) = ((left + box.x).rounded(.down), (top + box.y).rounded(.down))
            return CapturePlan(
                x: max(0, x), y: max(0, y), width: (left + box.x + box.width).rounded(.up) - x,
                height: (top + box.y + box.height).rounded(.up) - y, pixels: pixels, cuts: false)
        }
    }

    private func take(_ plan: CapturePlan, _ request: CaptureRequest) async throws -> [UInt8] {
        var params: JSONValue = [
            "format": .string(request.format.rawValue), "captureBeyondViewport": true, "optimizeForSpeed": true,
        ]
        if request.format == .jpeg { params["quality"] = JSONValue(request.quality) }
        if case .viewport = request.area, plan.scale == 1 {
            params["captureBeyondViewport"] = false
        } else {
            params["clip"] = [
                "x": .double(plan.x), "y": .double(plan.y), "width": .double(plan.width),
                "height": .double(plan.height), "scale": .double(plan.scale),
            ]
        }
        let answer: JSONValue
        do {
            answer = try await send("Page.captureScreenshot", params, timeout: .seconds(30))
        } catch let error as BrowserError where error.code == "timeout" {
            throw BrowserError(
                408, "timeout",
                "The page drew no picture within 30 s: it may be busy or hidden. Focus the tab and try again.")
        }
        guard let text = answer["data"]?.stringValue, let data = Data(base64Encoded: text), !data.isEmpty else {
            throw BrowserError(500, "failed", "The browser sent no picture.")
        }
        return [UInt8](data)
    }
}

// MARK: Labels

/// An element that a picture with labels points at.
package struct PageLabel: Sendable, Hashable {
    /// What the label says.
    package var ref: String
    /// Where the element is now, in the viewport of the main frame.
    package var box: PageBox

    /// A label.
    package init(ref: String, box: PageBox) {
        self.ref = ref
        self.box = box
    }
}

/// A picture with labels.
package struct LabelledPicture: Sendable, Hashable {
    /// The picture.
    package var picture: CapturedPicture
    /// How many labels are in it.
    package var labels: Int
    /// How many are not: outside the viewport, or beyond the first 150.
    package var skipped: Int
}

extension Page {
    /// Takes a picture of the viewport with a frame and a label at each of the elements that are in it.
    ///
    /// - Throws: as `capture`.
    package func labelledPicture(_ labels: [PageLabel]) async throws -> LabelledPicture {
        let size = try await call("function () { return [window.innerWidth, window.innerHeight] }")
        let (width, height) = (size[0]?.doubleValue ?? 0, size[1]?.doubleValue ?? 0)
        let seen = labels.filter { label in
            label.box.width > 0 && label.box.height > 0 && label.box.x < width && label.box.y < height
                && label.box.x + label.box.width > 0 && label.box.y + label.box.height > 0
        }.prefix(150)
        let boxes: [JSONValue] = seen.map { label in
            [
                "ref": .string(label.ref), "x": .double(label.box.x), "y": .double(label.box.y),
                "width": .double(label.box.width), "height": .double(label.box.height),
            ]
        }
        let overlay = try await call(LabelScript.show, [.array(boxes)], byReference: true)
        let taken: Result<CapturedPicture, any Error>
        do {
            taken = .success(try await capture(CaptureRequest(), prefix: "labels"))
        } catch {
            taken = .failure(error)
        }
        if let object = overlay["objectId"]?.stringValue {
            // A page that went took its labels along.
            _ = try? await call(LabelScript.hide, on: object, timeout: .seconds(5))  // see above
            release(object)
        }
        return LabelledPicture(picture: try taken.get(), labels: seen.count, skipped: labels.count - seen.count)
    }

    /// Frames an element in the page for people, until the next one or for `seconds`.
    func highlight(_ element: PageElement, label: String, seconds: Double) async throws {
        let box = try await box(of: element)
        _ = try await call(
            LabelScript.highlight,
            [
                [
                    "ref": .string(label), "x": .double(box.x), "y": .double(box.y), "width": .double(box.width),
                    "height": .double(box.height),
                ], .double(seconds * 1000),
            ])
    }
}

/// What is drawn over a page: in a closed shadow tree in the top layer, where neither the page's style nor its scripts
/// reach, and where it takes no clicks.
enum LabelScript {
    private static let draw = """
        const draw = (boxes, mark) => {
            const host = document.createElement('div');
            host.setAttribute('popover', 'manual');
            host.setAttribute('aria-hidden', 'true');
            host.style.cssText = 'all:initial;position:fixed;inset:0;width:100vw;height:100vh;margin:0;padding:0;border:0;'
                + 'background:transparent;pointer-events:none;overflow:hidden;z-index:2147483647';
            const root = host.attachShadow({mode: 'closed'});
            for (const box of boxes) {
                const frame = document.createElement('div');
                frame.style.cssText = `position:absolute;box-sizing:border-box;left:${box.x - 1}px;top:${box.y - 1}px;`
                    + `width:${box.width + 2}px;height:${box.height + 2}px;border:2px solid ${mark};border-radius:2px`;
                const label = document.createElement('div');
                label.textContent = box.ref;
                const above = box.y >= 15;
                label.style.cssText = `position:absolute;left:-2px;${above ? 'bottom:100%' : 'top:0'};font:bold 11px/13px monospace;`
                    + `padding:0 3px;color:#fff;background:${mark};white-space:nowrap;border-radius:2px`;
                frame.append(label);
                root.append(frame);
            }
            (document.documentElement || document).append(host);
            try { host.showPopover(); } catch (error) { host.removeAttribute('popover'); }
            return host;
        };
        """

    static let show = """
        async function (boxes) {
            \(draw)
            const host = draw(boxes, '#c2185b');
            // Drawn, or hidden and never drawn: the picture is taken all the same.
            await new Promise(done => {
                requestAnimationFrame(() => requestAnimationFrame(done));
                setTimeout(done, 250);
            });
            return host;
        }
        """

    static let hide = "function () { this.remove(); }"

    static let highlight = """
        function (box, time) {
            \(draw)
            globalThis.__highlight?.remove();
            const host = draw([box], '#ff4500');
            globalThis.__highlight = host;
            setTimeout(() => host.remove(), time);
        }
        """
}
