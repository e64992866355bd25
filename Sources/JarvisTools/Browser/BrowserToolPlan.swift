import JarvisBrowser
import JarvisCore
import JarvisKit

/// What a call of the browser tool means: one request to the control service, what it risks and how its answer is told.
/// Pure. What is judged and what is sent come from here, from the same arguments.
struct BrowserToolPlan: Sendable {
    /// How the answer is told to the model.
    enum Telling: Sendable {
        /// Words of the control service.
        case own
        /// Text of pages.
        case page
        /// A snapshot: text of a page, perhaps with a labelled picture.
        case snapshot
        /// A picture of a page.
        case picture
    }

    /// The request.
    var request: BrowserRequest
    /// How the answer is told.
    var telling: Telling
    /// What the call risks.
    var assessment: ToolAssessment

    /// The actions, in the order of the schema.
    static let actions = [
        "status", "start", "stop", "profiles", "tabs", "open", "focus", "close", "snapshot", "screenshot", "navigate",
        "console", "errors", "requests", "responsebody", "pdf", "upload", "dialog", "download", "waitfordownload",
        "act",
        "create-profile", "delete-profile", "reset-profile",
    ]

    /// Kinds of `act` that do what a person at the page can do. Any other kind asks first.
    static let plainKinds: Set<String> = [
        "click", "type", "press", "hover", "scrollIntoView", "drag", "select", "fill", "resize", "wait", "close",
    ]

    /// The plan of a call.
    ///
    /// - Parameters:
    ///   - defaultProfile: The browser profile that is meant where none is named.
    ///   - shared: Profiles that join a person's own browser.
    /// - Throws: `Mistake` for arguments that mean nothing.
    init(_ arguments: JSONValue, defaultProfile: String, shared: Set<String>) throws(Mistake) {
        guard arguments.objectValue != nil else { throw Mistake("the arguments must be an object") }
        let action = arguments["action"]?.stringValue ?? ""
        guard Self.actions.contains(action) else {
            throw Mistake(
                "action must be one of \(Self.actions.joined(separator: ", ")), found "
                    + "\"\(VisibleText.escaped(action, limit: 60))\"")
        }
        let reader = BrowserToolArguments(arguments)
        // The control service takes an empty name for the default one, too.
        let profile = arguments["profile"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 }
        (request, telling) = try Self.request(action, reader)
        let name = profile ?? defaultProfile
        // Named also where it is the default one, which the settings may change before the call runs.
        request.query["profile"] = name
        assessment = Self.assess(action, request, profile: name)
        guard shared.contains(name), !assessment.needsApproval, !["status", "profiles"].contains(action) else { return }
        // What a person has open is theirs, to look at as well as to use; who started that browser says nothing.
        assessment = ToolAssessment(
            .outside, "Use the browser that a person uses", needsApproval: true,
            allowPattern: "browser:attach:\(name)")
    }

    /// Arguments that mean nothing.
    struct Mistake: Error, Sendable {
        /// For the model.
        var message: String

        init(_ message: String) { self.message = message }
    }

    private static func request(
        _ action: String, _ reader: BrowserToolArguments
    ) throws(Mistake) -> (BrowserRequest, Telling) {
        switch action {
        case "status": (BrowserRequest("GET", "/"), .own)
        case "start": (BrowserRequest("POST", "/start"), .own)
        case "stop": (BrowserRequest("POST", "/stop"), .own)
        case "profiles": (BrowserRequest("GET", "/profiles"), .own)
        case "tabs": (BrowserRequest("GET", "/tabs"), .page)
        case "open": (BrowserRequest("POST", "/tabs/open", body: ["url": .string(try reader.url())]), .page)
        case "navigate":
            (
                BrowserRequest(
                    "POST", "/navigate",
                    body: reader.body(["targetId", "timeoutMs"], ["url": .string(try reader.url())])),
                .page
            )
        case "focus":
            (BrowserRequest("POST", "/tabs/focus", body: ["targetId": .string(try reader.step("targetId"))]), .own)
        case "close":
            if let target = reader.text("targetId") {
                (BrowserRequest("DELETE", "/tabs/\(try reader.pathStep(target, "targetId"))"), .own)
            } else {
                (BrowserRequest("POST", "/act", body: ["kind": "close"]), .own)
            }
        case "snapshot": (BrowserRequest("GET", "/snapshot", query: reader.snapshotQuery), .snapshot)
        case "screenshot":
            (
                BrowserRequest(
                    "POST", "/screenshot", body: reader.body(["targetId", "fullPage", "ref", "element", "type"])),
                .picture
            )
        case "pdf": (BrowserRequest("POST", "/pdf", body: reader.body(["targetId"])), .own)
        case "console": (BrowserRequest("GET", "/console", query: reader.query(["level", "targetId", "limit"])), .page)
        case "errors": (BrowserRequest("GET", "/errors", query: reader.query(["clear", "targetId"])), .page)
        case "requests":
            (BrowserRequest("GET", "/requests", query: reader.query(["filter", "clear", "targetId"])), .page)
        case "responsebody":
            (
                BrowserRequest(
                    "POST", "/response/body",
                    body: reader.body(["targetId", "timeoutMs", "maxChars"], ["url": .string(try reader.url())])), .page
            )
        case "upload":
            (
                BrowserRequest(
                    "POST", "/hooks/file-chooser",
                    body: reader.body(
                        ["targetId", "ref", "inputRef", "element", "timeoutMs"], ["paths": try reader.paths()])), .own
            )
        case "dialog":
            (
                BrowserRequest(
                    "POST", "/hooks/dialog",
                    body: reader.body(
                        ["targetId", "promptText", "timeoutMs"], ["accept": .bool(reader.flag("accept") ?? false)])),
                .page
            )
        case "download":
            (
                BrowserRequest(
                    "POST", "/download",
                    body: reader.body(["targetId", "path", "timeoutMs"], ["ref": .string(try reader.step("ref"))])),
                .page
            )
        case "waitfordownload":
            (BrowserRequest("POST", "/wait/download", body: reader.body(["targetId", "path", "timeoutMs"])), .page)
        case "act": (BrowserRequest("POST", "/act", body: try reader.act()), .page)
        case "create-profile":
            (
                BrowserRequest(
                    "POST", "/profiles/create",
                    body: reader.body(["color", "cdpUrl", "driver"], ["name": .string(try reader.step("name"))])), .own
            )
        case "delete-profile":
            (BrowserRequest("DELETE", "/profiles/\(try reader.pathStep(try reader.step("name"), "name"))"), .own)
        default: (BrowserRequest("POST", "/reset-profile"), .own)
        }
    }

    /// Whether a path leads where it reads: `share/../secret` would fit an owner's pattern `share/*`.
    private static func isStraight(_ path: String) -> Bool {
        !path.split(separator: "/").contains { $0 == "." || $0 == ".." }
    }

    private static func assess(_ action: String, _ request: BrowserRequest, profile: String) -> ToolAssessment {
        switch action {
        case "status", "profiles", "tabs", "snapshot", "screenshot", "pdf", "console":
            return ToolAssessment(.read, "Look at the browser")
        case "errors", "requests":
            // `clear` takes away what others may want to read, which is no reason to ask.
            return ToolAssessment(.read, "Look at the browser")
        case "responsebody": return ToolAssessment(.read, "Read what a page loaded")
        case "start", "open", "navigate":
            return ToolAssessment(.outside, "Open a page")
        case "upload":
            let paths = request.body["paths"]?.arrayValue?.compactMap(\.stringValue) ?? []
            return ToolAssessment(
                .outside, "Give files to a web page", needsApproval: true,
                allowPattern: paths.count == 1 && isStraight(paths[0]) ? "browser:upload:\(paths[0])" : nil)
        case "create-profile": return ToolAssessment(.host, "Make a browser profile", needsApproval: true)
        case "delete-profile":
            return ToolAssessment(.host, "Delete a browser profile with its data", needsApproval: true)
        case "reset-profile":
            return ToolAssessment(.host, "Throw away the data of a browser profile", needsApproval: true)
        case "act":
            let kind = request.body["kind"]?.stringValue ?? ""
            let runsCode = kind == "evaluate" || request.body["fn"] != nil
            if !runsCode, plainKinds.contains(kind) { return ToolAssessment(.outside, "Act on a page") }
            let code = JSONWriter.string(["profile": .string(profile), "request": request.body])
            return ToolAssessment(
                .outside, runsCode ? "Run JavaScript in a page" : "Act on a page in an unusual way",
                needsApproval: true,
                allowPattern: runsCode ? "browser:evaluate:\(Identifiers.sha256Hex(Array(code.utf8)))" : nil)
        default: return ToolAssessment(.outside, "Use the browser")
        }
    }
}
