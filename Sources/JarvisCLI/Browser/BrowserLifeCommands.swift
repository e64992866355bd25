import ArgumentParser
import JarvisCore

/// `jarvis browser status`.
struct BrowserStatusCommand: BrowserLeaf {
    static let configuration = leaf(
        "status", "Show a browser: whether it runs, where it listens, which program it is.", "status", "status --json",
        "--browser-profile work status")

    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk { .get("/") }

    func text(_ answer: JSONValue) -> String {
        let word = { (name: String) in BrowserText.plain(answer[name]) }
        var rows: [(String, String?)] = [
            ("profile", word("profile")), ("enabled", word("enabled")), ("running", word("running")),
            ("cdpPort", word("cdpPort")), ("cdpUrl", word("cdpUrl") ?? "none (debugging pipe)"),
            ("browser", word("chosenBrowser") ?? "unknown"), ("detectedBrowser", word("detectedBrowser")),
            ("detectedPath", word("detectedExecutablePath")), ("profileColor", word("color")),
        ]
        if let pid = word("pid") { rows.append(("pid", pid)) }
        if let reason = word("reason") { rows.append(("reason", reason)) }
        if let problem = word("detectError") { rows.append(("problem", problem)) }
        if let gap = word("policyGap") { rows.append(("note", gap)) }
        return BrowserText.facts(rows)
    }
}

/// `jarvis browser start`.
struct BrowserStartCommand: BrowserLeaf {
    static let configuration = leaf("start", "Start a browser; one that runs is left alone.", "start")

    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk { .post("/start") }

    func text(_ answer: JSONValue) -> String { "The browser \"\(answer["profile"]?.stringValue ?? "")\" runs." }
}

/// `jarvis browser stop`.
struct BrowserStopCommand: BrowserLeaf {
    static let configuration = leaf(
        "stop", "Stop a browser; one that is not ours is only let go of.", "stop")

    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk { .post("/stop") }

    func text(_ answer: JSONValue) -> String {
        let name = answer["profile"]?.stringValue ?? ""
        return answer["stopped"]?.boolValue == false
            ? "The browser \"\(name)\" did not run." : "The browser \"\(name)\" is stopped."
    }
}

/// `jarvis browser reset-profile`.
struct BrowserResetCommand: BrowserLeaf {
    static let configuration = leaf(
        "reset-profile", "Stop a browser and move its data (logins, history) to the trash.",
        "--browser-profile work reset-profile")

    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk { .post("/reset-profile") }

    func text(_ answer: JSONValue) -> String {
        guard answer["moved"]?.boolValue == true else { return "There was nothing to reset." }
        return "Moved \(answer["from"]?.stringValue ?? "its data")"
            + (answer["to"]?.stringValue.map { " to \($0)" } ?? "") + "."
    }
}
