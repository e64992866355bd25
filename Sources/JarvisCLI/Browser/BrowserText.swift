import JarvisCore
import JarvisProtocol

/// Answers of the control service for people.
enum BrowserText {
    /// What most actions have to say: done, and where the tab is now.
    static func done(_ answer: JSONValue) -> String {
        if let path = answer["path"]?.stringValue { return path }
        let url = answer["url"]?.stringValue.map { ", now at \(line($0))" } ?? ""
        return "done\(url)"
    }

    /// `name: value` lines; a nil value is shown as `none`.
    static func facts(_ rows: [(String, String?)]) -> String {
        rows.map { "\($0.0): \($0.1 ?? "none")" }.joined(separator: "\n")
    }

    /// A value in one line of text.
    static func plain(_ value: JSONValue?) -> String? {
        switch value {
        case nil, .null: nil
        case .string(let text): text
        case .some(let other): JSONWriter.string(other)
        }
    }

    /// A text that came from a page, in one line without control characters.
    static func line(_ text: String, width: Int = 200) -> String { Humanize.line(text, width: width) }

    /// Rows of an array under a header, or `none` where there are none.
    static func table(
        _ rows: [JSONValue]?, none: String, header: [String], _ cells: (JSONValue) -> [String]
    ) -> String {
        guard let rows, !rows.isEmpty else { return none }
        var table = TextTable(header: header)
        for row in rows { table.add(cells(row)) }
        return table.text
    }

    /// A line for each element of an array, or `none` where there are none.
    static func list(_ rows: JSONValue?, none: String, _ line: (JSONValue) -> String) -> String {
        guard let rows = rows?.arrayValue, !rows.isEmpty else { return none }
        return rows.map(line).joined(separator: "\n")
    }

    /// The tabs.
    static func tabs(_ answer: JSONValue) -> String {
        if answer["running"]?.boolValue == false { return "The browser does not run." }
        return table(answer["tabs"]?.arrayValue, none: "No tabs.", header: ["ID", "TITLE", "ADDRESS"]) { tab in
            [
                tab["targetId"]?.stringValue ?? "", line(tab["title"]?.stringValue ?? "", width: 40),
                line(tab["url"]?.stringValue ?? "", width: 120),
            ]
        }
    }

    /// One tab.
    static func tab(_ answer: JSONValue) -> String {
        let tab = answer["tab"] ?? answer
        return [tab["targetId"]?.stringValue, tab["url"]?.stringValue.map { line($0) }].compactMap { $0 }
            .joined(separator: "  ")
    }

    /// A refusal in the words of the command line: the browser's own, and the next command where it is known.
    static func failure(_ error: WireError, command: String) -> any Error {
        guard let code = error.details?["code"]?.stringValue, error.details?["status"] != nil else { return error }
        let hint: String? =
            switch code {
            case "unknown_ref": "\(command) browser snapshot"
            case "unknown_tab", "ambiguous_tab": "\(command) browser tabs"
            case "unknown_profile": "\(command) browser profiles"
            case "not_running": "\(command) browser start"
            case "disabled": "\(command) config set browser.enabled true"
            default: nil
            }
        return JarvisError(
            JarvisError.Code(rawValue: "browser.\(code)"), spoken(error.message, command: command), hint: hint,
            exitCode: 1)
    }

    /// Routes that messages name, and the commands that do the same.
    private static let routes = [
        (#"POST /hooks/dialog {"accept": true|false}"#, "dialog --accept or --dismiss"),
        (#"POST /tabs/open {"url": "https://…"}"#, "open https://…"), ("DELETE /tabs/<targetId>", "close <id>"),
        ("POST /set/credentials", "set credentials"), ("POST /wait/download", "waitfordownload"),
        ("POST /navigate", "navigate"), ("POST /trace/start", "trace start"), ("POST /trace/stop", "trace stop"),
        ("GET /requests", "requests"), ("GET /snapshot", "snapshot"), ("GET /tabs", "tabs"),
    ]

    /// A message of the control service in the words of the command line: its routes are commands here.
    static func spoken(_ message: String, command: String) -> String {
        routes.reduce(Humanize.printable(message)) { text, pair in
            text.replacing(pair.0, with: "\(command) browser \(pair.1)")
        }
    }
}
