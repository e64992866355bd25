import ArgumentParser
import JarvisCore

/// `jarvis browser upload`.
struct BrowserUploadCommand: BrowserLeaf {
    static let configuration = leaf(
        "upload", "Give files to a page: to the next file chooser, or to a file field.",
        "upload report.pdf --ref e12", "upload a.png b.png --element 'input[type=file]'")

    @Argument(help: "Files in the browser's upload directory or the workspace.")
    var paths: [String]

    @Option(help: "The ref of what opens the file chooser; it is clicked.")
    var ref: String?

    @Option(help: "The ref of a file field.")
    var inputRef: String?

    @Option(help: "A CSS selector of a file field.")
    var element: String?

    @OptionGroup var tab: BrowserTabOption
    @OptionGroup var patience: BrowserPatience
    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk {
        .post(
            "/hooks/file-chooser",
            [
                "paths": JSONValue(paths), "ref": ref.map(JSONValue.string),
                "inputRef": inputRef.map(JSONValue.string), "element": element.map(JSONValue.string),
                "targetId": tab.json,
            ], patience: patience)
    }

    func text(_ answer: JSONValue) -> String {
        ref == nil && inputRef == nil && element == nil ? "ready for the next file chooser" : "done"
    }
}

/// `jarvis browser dialog`.
struct BrowserDialogCommand: BrowserLeaf {
    static let configuration = leaf(
        "dialog", "Answer the dialog that is open, or the next one.", "dialog --accept", "dialog --accept --prompt Ada",
        "dialog --dismiss")

    @Flag(help: "Say yes.")
    var accept = false

    @Flag(help: "Say no.")
    var dismiss = false

    @Option(help: "The text for a prompt.")
    var prompt: String?

    @OptionGroup var tab: BrowserTabOption
    @OptionGroup var patience: BrowserPatience
    @OptionGroup var options: BrowserOptions

    mutating func validate() throws {
        guard accept != dismiss else { throw ValidationError("Say either --accept or --dismiss.") }
    }

    func ask() -> BrowserAsk {
        .post(
            "/hooks/dialog",
            ["accept": .bool(accept), "promptText": prompt.map(JSONValue.string), "targetId": tab.json],
            patience: patience)
    }

    func text(_ answer: JSONValue) -> String {
        guard let dialog = answer["dialog"] else { return "ready for the next dialog" }
        return "answered: \(BrowserText.line(dialog["message"]?.stringValue ?? ""))"
    }
}

/// `jarvis browser download`.
struct BrowserDownloadCommand: BrowserLeaf {
    static let configuration = leaf(
        "download", "Click an element, keep the file that it downloads, and say where it is.",
        "download e12 report.pdf")

    @Argument(help: "The element's ref.")
    var ref: String

    @Argument(help: "The file's name in the browser's download directory.")
    var path: String

    @OptionGroup var tab: BrowserTabOption
    @OptionGroup var patience: BrowserPatience
    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk {
        .post("/download", ["ref": .string(ref), "path": .string(path), "targetId": tab.json], patience: patience)
    }

    func text(_ answer: JSONValue) -> String { answer["download"]?["path"]?.stringValue ?? "done" }
}

/// `jarvis browser waitfordownload`.
struct BrowserWaitDownloadCommand: BrowserLeaf {
    static let configuration = leaf(
        "waitfordownload", "Keep the next file that the tab downloads and say where it is.",
        "waitfordownload report.pdf")

    @Argument(help: "The file's name in the browser's download directory; else the one that the page suggests.")
    var path: String?

    @OptionGroup var tab: BrowserTabOption
    @OptionGroup var patience: BrowserPatience
    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk {
        .post("/wait/download", ["path": path.map(JSONValue.string), "targetId": tab.json], patience: patience)
    }

    func text(_ answer: JSONValue) -> String { answer["download"]?["path"]?.stringValue ?? "done" }
}
