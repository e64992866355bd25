import FoundationEssentials
import JarvisCore

extension BrowserRoutes {
    static let capture: [BrowserRoute] = [
        BrowserRoute("POST", "/screenshot", "Takes a picture of the viewport, the whole page or an element.") { call in
            try await screenshot(call)
        },
        BrowserRoute("POST", "/pdf", "Prints a page into a PDF file.") { call in
            let arguments = ArgumentReader(call)
            let options = try PrintOptions(arguments)
            let page = try await call.page()
            let file = try await page.print(options)
            return [
                "ok": true, "path": .string(file.path), "bytes": JSONValue(file.bytes),
                "targetId": .string(page.targetId), "url": .string(page.url),
            ]
        },
        BrowserRoute("POST", "/highlight", "Frames an element for people who look at the browser.") { call in
            let arguments = ArgumentReader(call)
            let ref = try arguments.needed("ref", "the ref of an element from a snapshot.")
            let seconds = try arguments.whole("durationMs", 100...60_000).map { Double($0) / 1000 } ?? 3
            let page = try await call.page()
            try await page.highlight(try await page.element(ref: ref), label: ref, seconds: seconds)
            return ["ok": true, "targetId": .string(page.targetId)]
        },
    ]

    private static func screenshot(_ call: BrowserCall) async throws -> JSONValue {
        let arguments = ArgumentReader(call)
        var request = CaptureRequest()
        let isFull = try arguments.flag("fullPage") ?? false
        let ref = try arguments.text("ref")
        let selector = try arguments.text("element")
        switch try arguments.text("type") {
        case nil, "png": request.format = .png
        case "jpeg", "jpg": request.format = .jpeg
        case let other?: throw BrowserError.argument("type is \"\(other.prefix(40))\"; it must be png or jpeg.")
        }
        if let quality = try arguments.whole("quality", 1...100) {
            guard request.format == .jpeg else { throw BrowserError.argument("quality is for type jpeg.") }
            request.quality = quality
        }
        guard !(isFull && (ref != nil || selector != nil)) else {
            throw BrowserError.argument("fullPage can't be combined with ref or element: one picture shows one thing.")
        }
        guard ref == nil || selector == nil else {
            throw BrowserError.argument("ref and element both name an element: give one of them.")
        }
        let page = try await call.page()
        if let ref {
            request.area = .element(try await page.element(ref: ref))
        } else if let selector {
            request.area = .element(try await page.element(selector: selector))
        } else if isFull {
            request.area = .page
        }
        let picture = try await page.capture(request)
        var reply: JSONValue = [
            "ok": true, "path": .string(picture.path), "type": .string(picture.type),
            "width": JSONValue(picture.width), "height": JSONValue(picture.height), "bytes": JSONValue(picture.bytes),
            "targetId": .string(page.targetId), "url": .string(page.url),
        ]
        if let note = picture.note { reply["note"] = .string(note) }
        return reply
    }
}

/// How a page is printed.
struct PrintOptions: Sendable {
    /// Inches.
    static let formats: [(name: String, width: Double, height: Double)] = [
        ("a3", 11.7, 16.54), ("a4", 8.27, 11.7), ("a5", 5.83, 8.27), ("letter", 8.5, 11), ("legal", 8.5, 14),
        ("tabloid", 11, 17),
    ]

    var format = formats[1]
    var isLandscape = false

    init(_ arguments: ArgumentReader) throws {
        if let name = try arguments.text("format") {
            guard let found = Self.formats.first(where: { $0.name == name.lowercased() }) else {
                let names = Self.formats.map(\.name).joined(separator: ", ")
                throw BrowserError.argument("format is \"\(name.prefix(40))\"; it must be one of: \(names).")
            }
            format = found
        }
        isLandscape = try arguments.flag("landscape") ?? false
    }
}

extension Page {
    /// The most bytes of a PDF or a trace.
    static let mostFileBytes = 256 << 20

    /// Prints the page into a file of the artifacts directory.
    func print(_ options: PrintOptions) async throws -> (path: String, bytes: Int) {
        let answer: JSONValue
        do {
            answer = try await send(
                "Page.printToPDF",
                [
                    "printBackground": true, "landscape": .bool(options.isLandscape), "transferMode": "ReturnAsStream",
                    "paperWidth": .double(options.format.width), "paperHeight": .double(options.format.height),
                ], timeout: .seconds(120))
        } catch let error as BrowserError where error.message.contains("PrintToPDF") {
            throw BrowserError(
                500, "no_pdf", "This browser can't print into a file; start it headless (browser.headless: true).")
        }
        guard let stream = answer["stream"]?.stringValue else {
            throw BrowserError(500, "failed", "The browser sent no document.")
        }
        let place = ConfinedPath.fresh(in: session.rules.artifacts, prefix: "page", suffix: "pdf")
        let bytes = try await session.keep(stream: stream, over: mainSession, in: place, limit: Self.mostFileBytes)
        return (place.path, bytes)
    }
}

extension BrowserSession {
    /// Writes a stream of the browser into a file, piece by piece; a file that is not whole is not kept.
    ///
    /// - Parameters:
    ///   - session: the session that it belongs to; nil: the browser's own.
    ///   - limit: the most bytes.
    /// - Returns: the size in bytes.
    /// - Throws: `BrowserError` 500 `disk_full`, `write_failed`, `too_large`.
    func keep(stream: String, over session: String?, in place: ConfinedPath, limit: Int) async throws -> Int {
        let file = try await offPool { try ConfinedFile(place) }
        do {
            var total = 0
            while true {
                let piece = try await read(stream, session)
                total += piece.bytes.count
                guard total <= limit else {
                    throw BrowserError(
                        500, "too_large", "\(place.path) would be larger than \(limit >> 20) MB; nothing was kept.")
                }
                try await offPool { try file.append(piece.bytes) }
                if piece.isLast { break }
            }
            try await offPool { try file.finish() }
            connection.post("IO.close", ["handle": .string(stream)], session: session)
            return total
        } catch {
            try? await offPool { file.discard() }  // never throws
            connection.post("IO.close", ["handle": .string(stream)], session: session)
            throw error
        }
    }

    private func read(_ stream: String, _ session: String?) async throws -> (bytes: [UInt8], isLast: Bool) {
        do throws(CDPFailure) {
            let answer = try await connection.send(
                "IO.read", ["handle": .string(stream), "size": 1_048_576], session: session)
            let text = answer["data"]?.stringValue ?? ""
            let bytes =
                answer["base64Encoded"] == true ? Data(base64Encoded: text).map { [UInt8]($0) } : Array(text.utf8)
            return (bytes ?? [], answer["eof"] == true)
        } catch {
            throw BrowserError(error)
        }
    }
}
