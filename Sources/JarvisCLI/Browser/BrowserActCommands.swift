import ArgumentParser
import JarvisCore
import JarvisFormats

/// `jarvis browser click`.
struct BrowserClickCommand: BrowserLeaf {
    static let configuration = leaf(
        "click", "Click an element.", "click e12", "click e12 --double", "click e12 --modifiers Control,Shift")

    @Argument(help: "The element's ref.")
    var ref: String

    @Flag(help: "Twice.")
    var double = false

    @Option(help: "left, right or middle.")
    var button: String?

    @Option(help: ArgumentHelp("Keys held meanwhile: Alt, Control, Meta, Shift; with commas.", valueName: "keys"))
    var modifiers: String?

    @OptionGroup var tab: BrowserTabOption
    @OptionGroup var patience: BrowserPatience
    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk {
        let keys = modifiers.map { text in JSONValue(text.split(separator: ",").map { String($0) }) }
        return .act(
            "click", tab,
            [
                "ref": .string(ref), "doubleClick": double ? true : nil, "button": button.map(JSONValue.string),
                "modifiers": keys,
            ], patience: patience)
    }
}

/// `jarvis browser type`.
struct BrowserTypeCommand: BrowserLeaf {
    static let configuration = leaf(
        "type", "Type text into an element.", "type e12 'hello'", "type e12 'hello' --submit", "type e12 -- '-5'")

    @Argument(help: "The element's ref.")
    var ref: String

    @Argument(help: "The text.")
    var text: String

    @Flag(help: "Press Enter afterwards.")
    var submit = false

    @Flag(help: "Key by key.")
    var slowly = false

    @OptionGroup var tab: BrowserTabOption
    @OptionGroup var patience: BrowserPatience
    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk {
        .act(
            "type", tab,
            [
                "ref": .string(ref), "text": .string(text), "submit": submit ? true : nil,
                "slowly": slowly ? true : nil,
            ], patience: patience)
    }
}

/// `jarvis browser press`.
struct BrowserPressCommand: BrowserLeaf {
    static let configuration = leaf("press", "Press a key in a tab.", "press Enter", "press Control+a")

    @Argument(help: "The key: a letter, or a name such as Enter, Tab, ArrowDown; with modifiers Control+a.")
    var key: String

    @Option(help: ArgumentHelp("How long it is held, in milliseconds.", valueName: "ms"))
    var delayMs: Int?

    @OptionGroup var tab: BrowserTabOption
    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk {
        .act("press", tab, ["key": .string(key), "delayMs": delayMs.map(JSONValue.init(_:))])
    }
}

/// `jarvis browser hover`.
struct BrowserHoverCommand: BrowserLeaf {
    static let configuration = leaf("hover", "Move the pointer over an element.", "hover e12")

    @Argument(help: "The element's ref.")
    var ref: String

    @OptionGroup var tab: BrowserTabOption
    @OptionGroup var patience: BrowserPatience
    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk { .act("hover", tab, ["ref": .string(ref)], patience: patience) }
}

/// `jarvis browser scrollintoview`.
struct BrowserScrollCommand: BrowserLeaf {
    static let configuration = leaf("scrollintoview", "Scroll until an element is in view.", "scrollintoview e12")

    @Argument(help: "The element's ref.")
    var ref: String

    @OptionGroup var tab: BrowserTabOption
    @OptionGroup var patience: BrowserPatience
    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk { .act("scrollIntoView", tab, ["ref": .string(ref)], patience: patience) }
}

/// `jarvis browser drag`.
struct BrowserDragCommand: BrowserLeaf {
    static let configuration = leaf("drag", "Drag an element onto another.", "drag e12 e15")

    @Argument(help: "The ref of what is dragged.")
    var startRef: String

    @Argument(help: "The ref of where it is dropped.")
    var endRef: String

    @OptionGroup var tab: BrowserTabOption
    @OptionGroup var patience: BrowserPatience
    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk {
        .act("drag", tab, ["startRef": .string(startRef), "endRef": .string(endRef)], patience: patience)
    }
}

/// `jarvis browser select`.
struct BrowserSelectCommand: BrowserLeaf {
    static let configuration = leaf("select", "Choose options of a list.", "select e12 Green", "select e12 a b")

    @Argument(help: "The list's ref.")
    var ref: String

    @Argument(help: "Values or labels of the options.")
    var values: [String]

    @OptionGroup var tab: BrowserTabOption
    @OptionGroup var patience: BrowserPatience
    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk {
        .act("select", tab, ["ref": .string(ref), "values": JSONValue(values)], patience: patience)
    }
}

/// `jarvis browser fill`.
struct BrowserFillCommand: BrowserLeaf {
    static let configuration = leaf(
        "fill", "Fill several fields of a form at once.",
        #"fill --fields '[{"ref":"e1","value":"Ada"},{"ref":"e2","type":"checkbox","value":true}]'"#,
        "fill --fields-file form.json")

    @Option(help: ArgumentHelp("The fields, a JSON array of {ref, type?, value}.", valueName: "json"))
    var fields: String?

    @Option(help: ArgumentHelp("The same from a file.", valueName: "path"))
    var fieldsFile: String?

    @OptionGroup var tab: BrowserTabOption
    @OptionGroup var patience: BrowserPatience
    @OptionGroup var options: BrowserOptions

    mutating func validate() throws {
        guard (fields == nil) != (fieldsFile == nil) else {
            throw ValidationError("Give the fields either with --fields or with --fields-file.")
        }
    }

    func ask() throws -> BrowserAsk {
        let text = try fieldsFile.map { try BrowserFile.text(CLIContext.current.absolutePath($0)) } ?? fields ?? ""
        let value = try BrowserFile.json(text, "The fields", "an array of objects", kind: "array")
        return .act("fill", tab, ["fields": value], patience: patience)
    }
}

/// What commands read from files and arguments.
enum BrowserFile {
    /// A small text file.
    ///
    /// - Throws: what reading throws, naming the file.
    static func text(_ path: String) throws -> String {
        String(decoding: try DurableFile.read(path, limit: 1 << 20), as: UTF8.self)
    }

    /// JSON of one kind.
    ///
    /// - Throws: `usage.json`, exit 2.
    static func json(_ text: String, _ label: String, _ expected: String, kind: String) throws -> JSONValue {
        let value: JSONValue
        do {
            value = try JSON5.parse(text)
        } catch {
            throw JarvisError("usage.json", "\(label) must be \(expected) in JSON: \(error)", exitCode: 2)
        }
        guard value.kindName.contains(kind) else {
            throw JarvisError("usage.json", "\(label) must be \(expected), found \(value.kindName).", exitCode: 2)
        }
        return value
    }
}
