import JarvisCore

/// Files that wait for the page to ask for some.
struct UploadPlan: Sendable {
    var paths: [String]
    var expires: Duration
    var number: Int
}

extension SessionRules {
    /// Files that a page may be given, judged: plain files below the upload roots. Relative paths begin at the first
    /// root. Blocks.
    ///
    /// - Returns: absolute paths.
    /// - Throws: `BrowserError` 400 `invalid_argument` or `invalid_path`, 404 `no_file`.
    func uploads(_ paths: [String]) throws -> [String] {
        guard (1...50).contains(paths.count) else {
            throw BrowserError(400, "invalid_argument", "paths must name 1 to 50 files, not \(paths.count).")
        }
        return try paths.enumerated().map { index, path in
            let file = try ConfinedPath(path, roots: uploadRoots, purpose: "paths[\(index)]")
            try file.size()
            return file.path
        }
    }
}

extension Page {
    /// Gives `paths` to the next file chooser that the page opens within `time`, instead of showing one.
    ///
    /// - Parameter paths: absolute, already confined.
    package func armFileChooser(_ paths: [String], within time: Duration) async throws {
        try refuseDead()
        let number = state.change { state in
            state.lastUpload += 1
            state.upload = UploadPlan(
                paths: paths, expires: MonotonicClock.system.now() + time, number: state.lastUpload)
            return state.lastUpload
        }
        try await sendEverywhere(
            "Page.setInterceptFileChooserDialog", ["enabled": true], remember: "fileChooser")
        // unstructured: the plan ends also when the caller has long gone
        Task {
            _ = await state.wait(time) { $0.upload?.number != number ? true : nil }
            await disarm(number)
        }
    }

    /// Waits until the files of `armFileChooser` have been taken.
    ///
    /// - Returns: whether they were.
    package func filesTaken(within time: Duration) async -> Bool {
        await state.wait(time) { $0.upload == nil || $0.end != nil ? true : nil } ?? false
    }

    private func disarm(_ number: Int) async {
        let isMine = state.change { state in
            if state.upload?.number == number { state.upload = nil }
            return state.upload == nil && state.lastUpload == number
        }
        guard isMine else { return }
        forget("fileChooser")
        for id in state.read({ $0.sessions }) {
            session.connection.post("Page.setInterceptFileChooserDialog", ["enabled": false], session: id)
        }
    }

    /// `Page.fileChooserOpened`, on the thread that reads.
    func fileChooserOpened(_ params: JSONValue, session id: String) {
        let now = WallClock.system.now()
        let instant = MonotonicClock.system.now()
        let plan = state.read { $0.upload }
        guard let plan, plan.expires > instant else { return }
        guard let node = params["backendNodeId"] else {
            state.change { state in
                state.activity.note("FileChooser", "The page asks for files in a way that can't be answered.", now: now)
            }
            return
        }
        if params["mode"]?.stringValue == "selectSingle", plan.paths.count > 1 {
            state.change { state in
                state.activity.note(
                    "FileChooser", "The page takes one file, and \(plan.paths.count) were given: none was chosen.",
                    now: now)
                state.upload = nil
            }
            return
        }
        // unstructured: the event has no caller; `filesTaken` sees the end
        Task {
            do {
                _ = try await send(
                    "DOM.setFileInputFiles", ["files": JSONValue(plan.paths), "backendNodeId": node], over: id)
            } catch {
                state.change { $0.activity.note("FileChooser", "The files were not taken: \(error)", now: now) }
            }
            state.change { if $0.upload?.number == plan.number { $0.upload = nil } }
        }
    }

    /// Puts files into an `input type=file` without a chooser.
    package func setFiles(_ paths: [String], of element: PageElement) async throws {
        // The browser itself would put several files into an input that takes one.
        let takes = "function() { return this.multiple === true || this.webkitdirectory === true }"
        if paths.count > 1, try await call(takes, on: element.object, frame: element.frame) != true {
            throw BrowserError(400, "one_file_only", "The input takes one file, and \(paths.count) were given.")
        }
        do {
            _ = try await send(
                "DOM.setFileInputFiles",
                ["files": JSONValue(paths), "objectId": .string(element.object)], frame: element.frame)
        } catch let error as BrowserError where error.message.contains("not a file input") {
            throw BrowserError(
                400, "no_file_input", "The element is no file input: give its ref as \"ref\" to click it instead.")
        }
    }
}
