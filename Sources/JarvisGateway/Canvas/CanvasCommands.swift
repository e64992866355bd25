import JarvisCore
import JarvisNet
import JarvisProtocol
import JarvisTools

/// What agents, clients and the command line do with the canvas.
extension Gateway {
    /// Carries out `command`.
    ///
    /// - Throws: `canvas.disabled`, `canvas.path`, `canvas.not_found`, `canvas.too_large`, `canvas.hidden`,
    ///   `canvas.nobody`, `canvas.script`, `canvas.picture`, `canvas.timeout`.
    func perform(_ command: CanvasCommand) async throws -> CanvasAnswer {
        switch command {
        case .present(let path, let html, let files, let title):
            return try await present(path: path, html: html, files: files, title: title)
        case .hide:
            _ = try await canvasFiles()
            changeScene { $0.isVisible = false }
            return CanvasAnswer(json: sceneAnswer())
        case .navigate(let path):
            let page = try CanvasPage(path)
            try await requireFile(page)
            changeScene { scene in
                scene.path = page.text
                scene.title = nil
                scene.isVisible = true
            }
            return CanvasAnswer(json: sceneAnswer())
        case .evaluate(let script, let timeoutMs):
            try requireShown()
            let answer = try await ask(["op": "eval", "javaScript": .string(script)], timeoutMs: timeoutMs)
            let text = canvas.capabilities.redact(answer["result"]?.stringValue ?? "null")
            // What a page says is a page's word: unreadable, it is passed on as text.
            let result = (try? JSONParser.parse(Array(text.utf8), maximumDepth: 64)) ?? .string(text)  // see above
            return CanvasAnswer(json: ["ok": true, "result": result])
        case .snapshot(let picture): return try await snapshot(picture)
        }
    }

    /// The canvas's files, its root prepared.
    ///
    /// - Throws: `canvas.disabled`, `canvas.root`.
    func canvasFiles() async throws -> CanvasFiles {
        guard canvas.isEnabled else {
            throw JarvisError(
                "canvas.disabled", "the canvas is turned off",
                hint: "Turn it on with: \(instance.command) config set canvasHost.enabled true", exitCode: 2)
        }
        if let files = canvas.files { return files }
        let (root, instance) = (canvas.configuredRoot, instance)
        let files = try await CanvasReading.run { try CanvasFiles.prepare(root: root, instance: instance) }
        canvas.files = files
        return files
    }

    private func present(
        path: String?, html: String?, files: [CanvasFile], title: String?
    ) async throws -> CanvasAnswer {
        var page = try path.map(CanvasPage.init)
        var written = files
        if let html {
            var file = page?.file ?? "/"
            if file.hasSuffix("/") { file += "index.html" }
            written.append(CanvasFile(path: String(file.dropFirst()), bytes: Array(html.utf8)))
            if page == nil { page = CanvasPage.first }
        }
        if page == nil, let first = written.first(where: { CanvasContentType.isPage(CanvasContentType.of($0.path)) }) {
            page = written.contains { $0.path == "index.html" } ? .first : try CanvasPage(first.path)
        }
        let store = try await canvasFiles()
        if !written.isEmpty {
            async let settled: Void = canvasSettled()
            try await CanvasReading.run { [written] in try store.write(written) }
            // From here on a page that is asked for has what was written.
            canvas.scene.version += 1
            await settled
        }
        let shown = try page ?? CanvasPage(canvas.scene.path)
        try await requireFile(shown)
        changeScene(written: written.count) { scene in
            scene.path = shown.text
            scene.title = title.map { String($0.prefix(200)) }
            scene.isVisible = true
        }
        var answer = sceneAnswer()
        answer["written"] = JSONValue(written.count)
        return CanvasAnswer(json: answer)
    }

    private func requireFile(_ page: CanvasPage) async throws {
        let files = try await canvasFiles()
        let isThere = try await CanvasReading.run { files.has(page.file) }
        guard isThere else {
            throw JarvisError(
                "canvas.not_found", "the canvas has no file \"\(page.file.prefix(200))\"",
                hint: "Write it first: present with html or files.", exitCode: 2)
        }
    }

    private func changeScene(written: Int = 0, _ change: (inout CanvasScene) -> Void) {
        change(&canvas.scene)
        canvas.scene.revision += 1
        broadcast("canvas", ["op": "scene", "scene": canvas.scene.json, "written": JSONValue(written)])
    }

    private func sceneAnswer() -> JSONValue {
        .members([
            "ok": true, "scene": canvas.scene.json, "renderers": JSONValue(canvas.renderers.count),
            "note": canvas.renderers.isEmpty && canvas.scene.isVisible
                ? "No page is connected; the canvas is shown as soon as one is." : nil,
        ])
    }

    private func requireShown() throws {
        guard canvas.isEnabled, !canvas.scene.isVisible else { return }
        throw JarvisError(
            "canvas.hidden", "nothing is shown on the canvas", hint: "Present a page first.", exitCode: 2)
    }

    private func snapshot(_ picture: CanvasPicture) async throws -> CanvasAnswer {
        try requireShown()
        let answer = try await ask(
            [
                "op": "snapshot", "format": .string(picture.format), "maxWidth": JSONValue(picture.maxWidth),
                "quality": JSONValue(picture.quality), "delayMs": JSONValue(picture.delayMs),
            ], timeoutMs: picture.timeoutMs + picture.delayMs)
        guard let base64 = answer["picture"]?["base64"]?.stringValue, base64.utf8.count <= Self.pictureBytes,
            let type = CanvasPicture.mimeType(ofBase64: base64)
        else {
            throw JarvisError("canvas.picture", "the page that shows the canvas gave no PNG or JPEG picture")
        }
        return CanvasAnswer(
            json: .members([
                "ok": true, "format": .string(type == "image/png" ? "png" : "jpeg"),
                "width": answer["picture"]?["width"], "height": answer["picture"]?["height"],
                "scene": canvas.scene.json,
            ]), image: (base64, type))
    }

    /// The most characters of a picture in base64.
    private static var pictureBytes: Int { 12 << 20 }
}

extension CanvasPicture {
    /// The type of a picture by its first bytes; nil when it is neither PNG nor JPEG, or no base64.
    static func mimeType(ofBase64 text: String) -> String? {
        guard
            text.utf8.allSatisfy({ byte in
                (byte >= 0x41 && byte <= 0x5A) || (byte >= 0x61 && byte <= 0x7A) || (byte >= 0x30 && byte <= 0x39)
                    || byte == 0x2B || byte == 0x2F || byte == 0x3D
            })
        else { return nil }
        if text.hasPrefix("iVBORw0KGgo") { return "image/png" }
        return text.hasPrefix("/9j/") ? "image/jpeg" : nil
    }
}

/// A page of the canvas as it was named: a path, or an address of the canvas; what follows `?` or `#` stays.
struct CanvasPage: Sendable, Hashable {
    /// The file's path from the root.
    let file: String
    /// What follows it: query and fragment.
    let suffix: String

    /// The root's own page.
    static let first = CanvasPage(file: "/", suffix: "")

    /// Both together.
    var text: String { file + suffix }

    private init(file: String, suffix: String) {
        self.file = file
        self.suffix = suffix
    }

    /// Reads a path or an address.
    ///
    /// - Throws: `canvas.path`, exit 2.
    init(_ text: String) throws {
        func refuse(_ expected: String) -> JarvisError {
            JarvisError("canvas.path", "\"\(text.prefix(200))\" can't be shown; expected \(expected)", exitCode: 2)
        }
        var rest = text[...]
        let lower = text.prefix(8).lowercased()
        if lower.hasPrefix("http://") || lower.hasPrefix("https://") {
            let afterScheme = text.dropFirst(lower.hasPrefix("https://") ? 8 : 7)
            rest = afterScheme[(afterScheme.firstIndex(of: "/") ?? afterScheme.endIndex)...]
            guard CanvasTarget(path: String(rest.prefix { $0 != "?" && $0 != "#" })) != nil else {
                throw refuse("a path below the canvas's root; for pages of the web use the browser")
            }
        } else if let colon = text.firstIndex(of: ":"), !text[..<colon].contains("/") {
            throw refuse("a path below the canvas's root")
        }
        let file = String(rest.prefix { $0 != "?" && $0 != "#" })
        suffix = String(rest.dropFirst(file.count))
        if let target = CanvasTarget(path: file), case .file(let path) = target.kind {
            self.file = path.isEmpty ? "/" : path
        } else {
            self.file = file.hasPrefix("/") ? file : "/" + file
        }
        guard CanvasFiles.names(self.file) != nil, suffix.utf8.count <= 1024,
            suffix.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") })
        else { throw refuse("names joined by /, none of them beginning with a dot") }
    }

    /// The address behind a capability.
    func address(capability: String) -> String { CanvasTarget.address(capability: capability, path: file) + suffix }
}
