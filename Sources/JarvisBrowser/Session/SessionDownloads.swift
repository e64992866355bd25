import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A file that was downloaded.
package struct Download: Sendable, Hashable {
    /// Where it came from.
    package var url: String
    /// What the server or the page calls it.
    package var suggestedFilename: String
    /// Where it lies; nil when the browser runs on another machine.
    package var path: String?
    /// Its size.
    package var bytes: Int

    /// The download as the control interface shows it.
    package var listed: JSONValue {
        [
            "url": .string(url), "suggestedFilename": .string(suggestedFilename), "path": JSONValue(path),
            "bytes": JSONValue(bytes),
        ]
    }
}

extension BrowserSession {
    // Where the browser writes, by names of its own making.
    private var incoming: String { "\(rules.downloads)/.incoming" }

    /// The parameters of `Browser.setDownloadBehavior` that make the browser put downloads where they belong, and tell of
    /// them.
    func downloadBehavior() async throws -> JSONValue {
        var params: JSONValue = ["behavior": "default", "eventsEnabled": true]
        if rules.isLocal {
            // The first place of uploads is made too: people are told to put files there.
            let directories = [rules.downloads, incoming] + rules.uploadRoots.prefix(1)
            try await offPool { for directory in directories { try Self.makeDirectory(directory) } }
            params["behavior"] = "allowAndName"
            params["downloadPath"] = .string(incoming)
        }
        return params
    }

    /// `Browser.downloadWillBegin`, on the thread that reads.
    func downloadBegan(_ params: JSONValue) {
        guard let id = params["guid"]?.stringValue else { return }
        let frame = params["frameId"]?.stringValue
        let page = pages.first { page in page.state.read { state in frame.map { state.tree.nodes[$0] != nil } ?? false }
        }
        let url = ScriptText.cut(params["url"]?.stringValue ?? "", 1000)
        let name = ScriptText.cut(params["suggestedFilename"]?.stringValue ?? "", 300)
        // A tab that only served to begin a download has the tab that opened it to answer for it.
        let target = page.map { $0.url == "about:blank" || $0.url.isEmpty ? $0.opener ?? $0.targetId : $0.targetId }
        let refusal = downloads.change { $0.began(id: id, target: target, url: url, suggested: name) }
        if let frame {
            page?.state.change { state in
                state.pendingNavigations.remove(frame)
                state.downloads += 1
            }
        }
        if let refusal { refuse(id, refusal, page) }
    }

    /// `Browser.downloadProgress`, on the thread that reads.
    func downloadProgressed(_ params: JSONValue) {
        guard let id = params["guid"]?.stringValue else { return }
        let bytes = params["receivedBytes"]?.intValue ?? 0
        switch params["state"]?.stringValue {
        case "completed":
            let entry = downloads.change { book -> DownloadBook.Entry? in
                book.change(id) { entry in
                    entry.bytes = bytes
                    if entry.stage == .underWay { entry.stage = .arrived }
                }
                return book.entries.last { $0.id == id && $0.stage == .arrived }
            }
            guard let entry else { return }
            // unstructured: a file that has arrived is put away whether or not somebody waits for it
            Task { await putAway(entry) }
        case "canceled":
            downloads.change { book in
                book.change(id) { if $0.stage == .underWay { $0.stage = .failed("it was cancelled, or broke off") } }
            }
        default:
            let most = max(bytes, params["totalBytes"]?.intValue ?? 0)
            downloads.change { book in book.change(id) { $0.bytes = bytes } }
            if most > DownloadBook.largest {
                let reason = "it has more than \(DownloadBook.largest >> 30) GiB"
                downloads.change { book in book.change(id) { $0.stage = .failed(reason) } }
                refuse(id, reason, nil)
            }
        }
    }

    private func refuse(_ id: String, _ reason: String, _ page: Page?) {
        connection.post("Browser.cancelDownload", ["guid": .string(id)])
        let now = WallClock.system.now()
        page?.state.change { $0.activity.note("Download", "A download was cancelled: \(reason).", now: now) }
    }

    private func putAway(_ entry: DownloadBook.Entry) async {
        guard rules.isLocal else {
            downloads.change { book in book.change(entry.id) { $0.stage = .done(path: "") } }
            return
        }
        let (from, directory) = ("\(incoming)/\(entry.id)", rules.downloads)
        let name = DownloadName.safe(entry.suggested)
        let stage: DownloadBook.Stage
        do {
            stage = .done(path: try await offPool { try Self.move(from, into: directory, as: name) })
        } catch {
            stage = .failed("it could not be put into \(directory): \(error)")
        }
        downloads.change { book in book.change(entry.id) { $0.stage = stage } }
    }

    /// Waits for the next download of a tab that nobody has asked for yet, also one that has ended already.
    ///
    /// - Parameters:
    ///   - mark: only downloads after this one count.
    ///   - path: where to put it (`ConfinedPath`); nil: where it lies, under its own name.
    /// - Throws: `BrowserError` 408 `download_timeout`, 500 `download_failed`.
    package func download(
        of page: Page, after mark: Int = 0, to path: String?, within time: Duration
    ) async throws -> Download {
        let deadline = MonotonicClock.system.now() + time
        let me = page.targetId
        let begun: DownloadBook.Entry? = await downloads.wait(time) { [tabs] book in
            let mine = tabs.read { Set($0.pages.filter { $0.opener == me }.map(\.targetId)) }
            return book.unclaimed(after: mark, of: mine.union([me]))
        }
        guard let begun else {
            try page.refuseDead()
            throw BrowserError(
                408, "download_timeout", "No download began within \(Page.text(time)): click what starts it first.")
        }
        let entry: DownloadBook.Entry? = await downloads.wait(max(.zero, deadline - MonotonicClock.system.now())) {
            book in
            let entry = book.entries.last { $0.id == begun.id }
            switch entry?.stage {
            case .underWay, .arrived: return nil
            default: return entry
            }
        }
        guard let entry else {
            throw BrowserError(
                408, "download_timeout",
                "\(begun.suggested) was not downloaded within \(Page.text(time)); it goes on, ask for it again.")
        }
        downloads.change { book in book.change(entry.id) { $0.isClaimed = true } }
        switch entry.stage {
        case .failed(let reason):
            throw BrowserError(500, "download_failed", "The download of \(entry.suggested) failed: \(reason).")
        case .done(let place):
            let final = rules.isLocal ? try await settle(place, at: path) : nil
            return Download(url: entry.url, suggestedFilename: entry.suggested, path: final, bytes: entry.bytes)
        case .underWay, .arrived:
            throw BrowserError(500, "download_failed", "The download of \(entry.suggested) did not end.")
        }
    }

    private func settle(_ place: String, at path: String?) async throws -> String {
        guard let path else { return place }
        let wanted = try confinedDownload(path)
        return try await offPool {
            try wanted.receive(fileAt: place)
            return wanted.path
        }
    }

    /// Judges where a caller wants a download.
    ///
    /// - Throws: `BrowserError` 400 `invalid_path`.
    package func confinedDownload(_ path: String) throws -> ConfinedPath {
        try ConfinedPath(path, roots: [rules.downloads, rules.artifacts])
    }

    // MARK: Files; these block

    private static func makeDirectory(_ path: String) throws {
        var made = ""
        for step in path.split(separator: "/") {
            made += "/\(step)"
            if mkdir(made, 0o700) != 0, errno != EEXIST {
                throw SystemCallError(call: "mkdir", errorNumber: errno, subject: made)
            }
        }
    }

    // The first free name is taken by an empty file, which the download then replaces: no two get the same.
    private static func move(_ from: String, into directory: String, as name: String) throws -> String {
        for number in 1...10_000 {
            let path = "\(directory)/\(DownloadName.numbered(name, number))"
            let placeholder = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o600)
            if placeholder < 0 {
                guard errno == EEXIST else {
                    throw SystemCallError(call: "open", errorNumber: errno, subject: path)
                }
                continue
            }
            systemClose(placeholder)
            chmod(from, 0o600)  // before others can put a link in its place
            guard rename(from, path) == 0 else {
                let number = errno
                unlink(path)
                throw SystemCallError(call: "rename", errorNumber: number, subject: from)
            }
            return path
        }
        throw BrowserError(500, "download_failed", "\(directory) holds too many files named \(name).")
    }
}
