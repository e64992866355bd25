import JarvisCore

/// The arguments of a call of the browser tool, leniently read: models write numbers as text and flatten `request`.
struct BrowserToolArguments {
    private let arguments: JSONValue

    init(_ arguments: JSONValue) { self.arguments = arguments }

    /// A member as text; numbers and booleans count as their spelling.
    func text(_ name: String) -> String? {
        switch arguments[name] {
        case .string(let text): text.isEmpty ? nil : text
        case .int(let number): String(number)
        case .double, .bool: arguments[name].map(JSONWriter.string)
        default: nil
        }
    }

    /// A member as true or false.
    func flag(_ name: String) -> Bool? {
        arguments[name]?.boolValue ?? (text(name).map { $0.lowercased() == "true" })
    }

    /// A member that must be there.
    func step(_ name: String) throws(BrowserToolPlan.Mistake) -> String {
        guard let text = text(name) else { throw BrowserToolPlan.Mistake("\(name) is missing") }
        return text
    }

    /// Text that becomes a step of a path.
    func pathStep(_ text: String, _ name: String) throws(BrowserToolPlan.Mistake) -> String {
        let isPlain = text.utf8.allSatisfy { byte in
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == 45
                || byte == 95
        }
        guard isPlain else {
            throw BrowserToolPlan.Mistake("\(name) \"\(VisibleText.escaped(text, limit: 80))\" is none")
        }
        return text
    }

    /// The address; some models write `targetUrl`.
    func url() throws(BrowserToolPlan.Mistake) -> String {
        guard let url = text("url") ?? text("targetUrl") else { throw BrowserToolPlan.Mistake("url is missing") }
        return url
    }

    /// The files to upload.
    func paths() throws(BrowserToolPlan.Mistake) -> JSONValue {
        let paths = arguments["paths"]?.arrayValue?.compactMap(\.stringValue) ?? text("paths").map { [$0] } ?? []
        guard !paths.isEmpty else { throw BrowserToolPlan.Mistake("paths must list the files to give") }
        return JSONValue(paths)
    }

    /// The members called `names` that are there, and `more`.
    func body(_ names: [String], _ more: JSONObject = [:]) -> JSONValue {
        var body = more
        for name in names {
            if let value = arguments[name], !value.isNull { body[name] = value }
        }
        return .object(body)
    }

    /// The members called `names` that are there, as a query.
    func query(_ names: [String]) -> [String: String] {
        Dictionary(uniqueKeysWithValues: names.compactMap { name in text(name).map { (name, $0) } })
    }

    /// The query of a snapshot. Less text than the control service's own default: it must fit into a result.
    var snapshotQuery: [String: String] {
        var query = query([
            "format", "targetId", "limit", "maxChars", "mode", "interactive", "compact", "depth", "selector", "frame",
            "refs", "labels",
        ])
        if let format = text("snapshotFormat"), query["format"] == nil { query["format"] = format }
        if query["maxChars"] == nil, query["mode"] == nil, query["format"] != "aria" { query["maxChars"] = "40000" }
        return query
    }

    /// The body of `act`: the member `request`, or the arguments themselves when a model left it out. The profile is
    /// named beside it and nowhere else: the one that was judged is the one that is used.
    func act() throws(BrowserToolPlan.Mistake) -> JSONValue {
        var body: JSONObject
        switch arguments["request"] {
        case .object(let request): body = request
        case .string(let text):
            // Some models write the object as text.
            guard let request = (try? JSONParser.parse(text))?.objectValue else {  // told as a mistake
                throw BrowserToolPlan.Mistake(
                    "request must be an object such as {\"kind\": \"click\", \"ref\": \"e3\"}")
            }
            body = request
        default:
            body = arguments.objectValue ?? [:]
            body["action"] = nil
            body["request"] = nil
        }
        body["profile"] = nil
        if body["targetId"] == nil, let target = text("targetId") { body["targetId"] = .string(target) }
        guard body["kind"]?.stringValue != nil else {
            throw BrowserToolPlan.Mistake(
                "request.kind is missing: click, type, press, hover, scrollIntoView, drag, select, fill, resize, wait, "
                    + "evaluate or close")
        }
        return .object(body)
    }
}
