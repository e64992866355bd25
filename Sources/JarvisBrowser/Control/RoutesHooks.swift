import JarvisCore

extension BrowserRoutes {
    static let hooks: [BrowserRoute] = [
        BrowserRoute("POST", "/hooks/dialog", "Answers the open dialog, or the next one.") { call in
            guard let accepts = call["accept"]?.boolValue else {
                throw BrowserError(400, "invalid_argument", "accept is required and must be true or false.")
            }
            let time = try call.timeout(default: .seconds(120))
            let text = try call.optionalText("promptText")
            let page = try await call.page()
            let answered = try await page.answerDialog(accepts: accepts, text: text, within: time)
            return .members([
                "ok": true, "targetId": .string(page.targetId), "answered": .bool(answered != nil),
                "armed": .bool(answered == nil), "dialog": answered?.listed,
            ])
        },
        BrowserRoute("POST", "/hooks/file-chooser", "Gives files to an input, or to the next file chooser.") { call in
            try await chooseFiles(call)
        },
        BrowserRoute("POST", "/wait/download", "Waits for a download and says where the file is.") { call in
            let time = try call.timeout(default: .seconds(60))
            let path = try call.optionalText("path")
            let page = try await call.page()
            if let path { _ = try page.session.confinedDownload(path) }
            let download = try await page.session.download(of: page, to: path, within: time)
            return ["ok": true, "targetId": .string(page.targetId), "download": download.listed]
        },
        BrowserRoute("POST", "/download", "Clicks an element that starts a download, and waits for the file.") { call in
            let ref = try call.text("ref")
            let time = try call.timeout(default: .seconds(60))
            let path = try call.optionalText("path")
            let page = try await call.page()
            if let path { _ = try page.session.confinedDownload(path) }
            let element = try await page.element(ref: ref)
            let mark = page.session.downloads.read { $0.last }
            try await page.click(element, label: ref, timeout: min(time, .seconds(8)))
            let download = try await page.session.download(of: page, after: mark, to: path, within: time)
            return ["ok": true, "targetId": .string(page.targetId), "download": download.listed]
        },
    ]

    private static func chooseFiles(_ call: BrowserCall) async throws -> JSONValue {
        guard let paths = call["paths"]?.arrayValue?.map(\.stringValue), !paths.contains(nil) else {
            throw BrowserError(400, "invalid_argument", "paths is required and must be a list of texts.")
        }
        let ways = ["ref", "inputRef", "element"]
        let given = try ways.filter { try call.optionalText($0) != nil }
        guard given.count <= 1 else {
            throw BrowserError(
                400, "invalid_argument",
                "Give one of ref, inputRef and element, not \(given.joined(separator: " and ")).")
        }
        let time = try call.timeout(default: .seconds(120))
        let page = try await call.page()
        let rules = page.session.rules
        let files = try await offPool { try rules.uploads(paths.compactMap(\.self)) }
        var reply: JSONValue = ["ok": true, "targetId": .string(page.targetId), "files": JSONValue(files.count)]
        if let ref = try call.optionalText("inputRef") {
            let input = try await page.element(ref: ref)
            try await page.settling { try await page.setFiles(files, of: input) }
        } else if let selector = try call.optionalText("element") {
            let input = try await page.element(selector: selector)
            try await page.settling { try await page.setFiles(files, of: input) }
        } else {
            let element = try await call.optionalText("ref").asyncMap { try await page.element(ref: $0) }
            try await page.armFileChooser(files, within: time)
            guard let element, let ref = try call.optionalText("ref") else {
                reply["armed"] = true
                return reply
            }
            try await page.click(element, label: ref, timeout: min(time, .seconds(8)))
            guard await page.filesTaken(within: min(time, .seconds(10))) else {
                throw BrowserError(
                    408, "no_file_chooser",
                    "\(ref) was clicked and no file chooser opened; the files wait for one until the time is over.")
            }
        }
        return reply
    }
}

extension Optional where Wrapped: Sendable {
    fileprivate func asyncMap<T: Sendable>(_ body: (Wrapped) async throws -> T) async throws -> T? {
        guard let self else { return nil }
        return try await body(self)
    }
}
