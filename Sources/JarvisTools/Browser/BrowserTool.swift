import FoundationEssentials
import JarvisBrowser
import JarvisCore
import JarvisKit

/// `browser`: pages that the agent sees and acts on, through the control service like everybody else.
struct BrowserTool: Tool {
    private let door: BrowserDoor

    /// The largest picture that a model is given, in bytes. Default 4 MiB.
    static let maximumPicture = 4 << 20

    /// Codes of errors whose text quotes what a page wrote: its exception, its dialog, its options and frames.
    static let quotingErrors: Set = ["script_error", "dialog_open", "unknown_option", "unknown_frame"]

    /// Nil where there are no browsers.
    init?(environment: ToolEnvironment) {
        guard let door = environment.browser else { return nil }
        self.door = door
    }

    let definition = BrowserToolSchema.definition

    /// Starting a browser, and the longest wait that the control service accepts.
    let timeLimit = Duration.seconds(180)

    func assess(_ arguments: JSONValue, context: ToolContext) -> ToolAssessment {
        do {
            return try plan(arguments).assessment
        } catch {
            // It will be refused before anything happens.
            return ToolAssessment(.read, "Use the browser")
        }
    }

    func call(_ arguments: JSONValue, context: ToolContext) async throws -> ToolResult {
        let plan: BrowserToolPlan
        do {
            plan = try self.plan(arguments)
        } catch {
            return .text("\(error.message).", isError: true)
        }
        let reply = await door.handle(plan.request)
        try Task.checkCancellation()
        guard reply.status < 400 else {
            let words = reply.body["error"]?.stringValue ?? "The browser refused with status \(reply.status)."
            guard let code = reply.body["code"]?.stringValue, Self.quotingErrors.contains(code) else {
                return .text(words, isError: true)
            }
            return .text("It failed.\n" + UntrustedText.wrap(words, from: "pages in the browser"), isError: true)
        }
        switch plan.telling {
        case .own: return .text(JSONWriter.string(reply.body))
        case .page: return .text(UntrustedText.wrap(JSONWriter.string(reply.body), from: Self.source(reply.body)))
        case .snapshot: return await snapshot(reply.body, context)
        case .picture: return await picture(reply.body, context)
        }
    }

    private func plan(_ arguments: JSONValue) throws(BrowserToolPlan.Mistake) -> BrowserToolPlan {
        try BrowserToolPlan(arguments, defaultProfile: door.defaultProfile, shared: door.sharedProfiles)
    }

    private func snapshot(_ body: JSONValue, _ context: ToolContext) async -> ToolResult {
        var head = "Tab \(body["targetId"]?.stringValue ?? "?")"
        if let stats = body["stats"] { head += ", \(JSONWriter.string(stats))" }
        if body["truncated"]?.boolValue == true {
            head += ", cut: ask with selector, frame, depth, interactive or a larger maxChars for more"
        }
        let text = body["snapshot"]?.stringValue ?? body["nodes"].map(JSONWriter.string) ?? JSONWriter.string(body)
        var content: [ContentBlock] = [.text("\(head)\n\(UntrustedText.wrap(text, from: Self.source(body)))")]
        if let path = body["imagePath"]?.stringValue {
            content += await image(at: path, type: body["imageType"]?.stringValue, context)
        }
        return ToolResult(content: content)
    }

    private func picture(_ body: JSONValue, _ context: ToolContext) async -> ToolResult {
        guard let path = body["path"]?.stringValue else { return .text(JSONWriter.string(body)) }
        let url = VisibleText.escaped(body["url"]?.stringValue ?? "", limit: 300)
        let text = "Picture of tab \(body["targetId"]?.stringValue ?? "?") (\(url)), saved as \(path)"
        return ToolResult(
            content: [.text(text)] + (await image(at: path, type: body["type"]?.stringValue, context)))
    }

    private func image(at path: String, type: String?, _ context: ToolContext) async -> [ContentBlock] {
        guard context.readsImages else { return [.text("\nThis model is not shown pictures; the file is \(path).")] }
        do {
            let bytes = try await door.read(path, Self.maximumPicture)
            let isPNG = bytes.starts(with: [0x89, 0x50, 0x4E, 0x47])
            return [.image(data: Data(bytes).base64EncodedString(), mimeType: isPNG ? "image/png" : "image/jpeg")]
        } catch {
            return [
                .text(
                    "\nThe picture can't be shown (at most \(Self.maximumPicture) bytes; ask for type jpeg or one element): "
                        + "\((error as? JarvisError)?.message ?? "\(error)")")
            ]
        }
    }

    private static func source(_ body: JSONValue) -> String {
        body["url"]?.stringValue.map { "the page \($0)" } ?? "pages in the browser"
    }
}
