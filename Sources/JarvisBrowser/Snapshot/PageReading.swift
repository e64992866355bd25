import JarvisCore

/// What was read of a page: the nodes of each of its documents.
struct PageReading: Sendable {
    /// The frame at the top.
    var root: String
    /// The nodes of each frame.
    var documents: [String: [SnapshotNode]] = [:]
    /// The document in each frame.
    var tokens: [String: String] = [:]
    /// Which frame an element shows.
    var shows: [FrameOwner: String] = [:]
    /// Whether reading stopped before the end.
    var isCut = false
    /// How many elements were looked at, and how many there are.
    var visited = 0
    var total = 0
    /// The address and title of the frame at the top.
    var url = ""
    var title = ""
}

extension Page {
    /// Reads a frame with all the frames in it.
    ///
    /// - Throws: `BrowserError`: 404 `unknown_element` when nothing matches the selector, 400 `invalid_selector`.
    func read(_ options: SnapshotOptions) async throws -> PageReading {
        let root = try await frame(named: options.frame)
        var reading = PageReading(root: root)
        let first = try await document(root, options.script, timeout: .seconds(20))
        try Self.check(first, options)
        add(first, of: root, to: &reading)
        var open = owners(in: root, of: reading)
        var inner = options.script
        inner["selector"] = nil
        let script = inner
        while !open.isEmpty, reading.documents.count < Self.mostFrames {
            let batch = open.prefix(Self.mostFrames - reading.documents.count)
            let found = await withTaskGroup(of: Inner?.self) { group -> [Inner] in
                for owner in batch {
                    group.addTask { await self.inner(owner, script) }
                }
                var found: [Inner] = []
                for await one in group { if let one { found.append(one) } }
                return found
            }
            open = []
            for (owner, frame, result) in found where reading.documents[frame] == nil {
                reading.shows[owner] = frame
                switch result {
                case .success(let document): add(document, of: frame, to: &reading)
                case .failure(let error):
                    reading.documents[frame] = [Self.note("(can't be read: \(error.message))", frame)]
                }
                open += owners(in: frame, of: reading)
            }
        }
        return reading
    }

    private static let mostFrames = 60

    private typealias Inner = (owner: FrameOwner, frame: String, result: Result<JSONValue, BrowserError>)

    private static func note(_ text: String, _ frame: String) -> SnapshotNode {
        var node = SnapshotNode(depth: 0, role: "text", name: text)
        node.frame = frame
        return node
    }

    private func add(_ document: JSONValue, of frame: String, to reading: inout PageReading) {
        // Rows that can't be parsed were written by nobody: the page has no way to this script.
        reading.documents[frame] =
            (try? SnapshotNode.nodes(rows: document["rows"]?.stringValue ?? "[]", frame: frame)) ?? []  // see above
        reading.tokens[frame] = document["token"]?.stringValue
        if document["cut"]?.boolValue == true { reading.isCut = true }
        reading.visited += document["visited"]?.intValue ?? 0
        reading.total += document["total"]?.intValue ?? 0
        if frame == reading.root {
            reading.url = document["url"]?.stringValue ?? ""
            reading.title = document["title"]?.stringValue ?? ""
        }
    }

    private func owners(in frame: String, of reading: PageReading) -> [FrameOwner] {
        (reading.documents[frame] ?? []).filter { $0.role == "iframe" && $0.number != 0 }
            .map { FrameOwner(frame: frame, number: $0.number) }
    }

    private func inner(_ owner: FrameOwner, _ script: JSONValue) async -> Inner? {
        do {
            guard let frame = try await frame(shownBy: owner) else { return nil }
            do {
                return (owner, frame, .success(try await document(frame, script, timeout: .seconds(5))))
            } catch let error as BrowserError {
                return (owner, frame, .failure(error))
            }
        } catch {
            // The element went while it was looked at.
            return nil
        }
    }

    /// The frame that an element shows; nil when it shows none.
    func frame(shownBy owner: FrameOwner) async throws -> String? {
        guard let object = try await objects([owner.number], frame: owner.frame).first ?? nil else { return nil }
        defer { release(object, frame: owner.frame) }
        return try await describe(object, frame: owner.frame)["frameId"]?.stringValue
    }

    // Reads one document; once more for every layer of closed shadow roots.
    private func document(_ frame: String, _ script: JSONValue, timeout: Duration) async throws -> JSONValue {
        var tries = 0
        while true {
            tries += 1
            guard let answer = try await self.script("read", [script], frame: frame, timeout: timeout) else {
                if tries < 4 { continue }
                throw BrowserError(
                    409, "page_changing",
                    "The page was replaced while it was read. Wait for it: act wait loadState load.")
            }
            let suspects = answer["suspects"]?.intValue ?? 0
            guard suspects > 0, tries < 4, try await learnClosedRoots(suspects, frame: frame) else { return answer }
        }
    }

    private static func check(_ answer: JSONValue, _ options: SnapshotOptions) throws {
        let selector = (options.selector ?? "").prefix(200)
        if let problem = answer["error"]?.stringValue {
            throw BrowserError(400, "invalid_selector", "\"\(selector)\" is no CSS selector: \(problem.prefix(200))")
        }
        if answer["none"]?.boolValue == true {
            throw BrowserError(
                404, "unknown_element",
                "Nothing on the page matches the selector \"\(selector)\". Take a snapshot without selector to see what there is."
            )
        }
    }

    /// The frame that a caller means by a ref or a CSS selector of its element, its id, its name or its address.
    ///
    /// - Parameter name: nil: the main frame.
    /// - Throws: `BrowserError` 404 `unknown_frame`.
    func frame(named name: String?) async throws -> String {
        let frames = frames
        guard let name, !name.isEmpty else { return frames.first?.id ?? targetId }
        if let found = frames.first(where: { $0.id == name }) { return found.id }
        if let target = try? refs.target(name),  // no ref: it may be a selector
            let inner = try await frame(shownBy: FrameOwner(frame: target.frame, number: target.number))
        {
            return inner
        }
        let main = frames.first?.id
        if let answer = try await script("first", [.string(name)], frame: main),
            let number = answer["number"]?.intValue,
            let main, let inner = try await frame(shownBy: FrameOwner(frame: main, number: number))
        {
            return inner
        }
        let named = state.read { state in state.tree.inOrder.dropFirst().filter { $0.url.contains(name) }.map(\.id) }
        if named.count == 1, let found = named.first { return found }
        let known = frames.dropFirst().prefix(10).map { String($0.url.prefix(120)) }.joined(separator: ", ")
        throw BrowserError(
            404, "unknown_frame",
            "There is no frame \"\(name.prefix(120))\". Give a ref or a CSS selector of an iframe, or a part of its address"
                + (known.isEmpty ? "; this page has no frames." : " that only one has: \(known)."))
    }
}
