import JarvisCore

extension BrowserRoutes {
    static let view: [BrowserRoute] = [
        BrowserRoute(
            "GET", "/view",
            "What a tab shows now as a JPEG in the answer, for people who watch; changes nothing and keeps no file."
        ) { call in
            let session = try await call.session()
            // Who watches must not change which tab is used next, so a whole id is not looked up as others are.
            let id = try call.target
            let page = try session.pages.first { $0.targetId == id } ?? session.page(id)
            return try await page.view(
                quality: number(call["quality"], 1...100) ?? 60, maxWidth: number(call["maxWidth"], 1...4096) ?? 1280)
        }
    ]

    private static func number(_ value: JSONValue?, _ range: ClosedRange<Int>) -> Int? {
        (value?.intValue ?? value?.stringValue.flatMap { Int($0) }).map {
            min(max($0, range.lowerBound), range.upperBound)
        }
    }
}

extension Page {
    /// A picture of the visible part of the page, scaled down to `maxWidth` pixels.
    ///
    /// - Throws: as `send`; 408 after five seconds.
    func view(quality: Int, maxWidth: Int) async throws -> JSONValue {
        let metrics = try await send("Page.getLayoutMetrics", timeout: .seconds(5))
        let viewport = metrics["cssVisualViewport"]
        let width = viewport?["clientWidth"]?.doubleValue ?? 1280
        let height = viewport?["clientHeight"]?.doubleValue ?? 720
        let scale = min(1, Double(maxWidth) / max(1, width))
        let picture = try await send(
            "Page.captureScreenshot",
            [
                "format": "jpeg", "quality": JSONValue(quality), "optimizeForSpeed": true,
                "clip": [
                    "x": .double(viewport?["pageX"]?.doubleValue ?? 0),
                    "y": .double(viewport?["pageY"]?.doubleValue ?? 0),
                    "width": .double(width), "height": .double(height), "scale": .double(scale),
                ],
            ], timeout: .seconds(5))
        guard let data = picture["data"]?.stringValue else {
            throw BrowserError(500, "failed", "The browser gave no picture of the tab.")
        }
        return [
            "ok": true, "targetId": .string(targetId), "url": .string(url), "title": .string(title),
            "mimeType": "image/jpeg", "base64": .string(data), "width": JSONValue(Int(width * scale)),
            "height": JSONValue(Int(height * scale)),
        ]
    }
}
