import JarvisCore

/// Something to do in a tab: the body of `POST /act`, checked.
enum ActRequest: Sendable, Hashable {
    case click(ref: String, Click)
    case type(ref: String, text: String, submit: Bool, slowly: Bool)
    case press(KeyChord, delay: Duration)
    case hover(ref: String)
    case scrollIntoView(ref: String)
    case drag(from: String, to: String)
    case select(ref: String, values: [String])
    case fill([FillField])
    case resize(width: Int, height: Int)
    case wait
    case evaluate(function: String, ref: String?)
    case close

    /// The ref of what is clicked.
    var clicked: String? {
        if case .click(let ref, _) = self { ref } else { nil }
    }
}

/// How to click.
struct Click: Sendable, Hashable {
    /// The buttons of a mouse, in the words of the protocol.
    enum Button: String, Sendable, CaseIterable {
        case left, right, middle

        /// The bit in `buttons`.
        var mask: Int {
            switch self {
            case .left: 1
            case .right: 2
            case .middle: 4
            }
        }
    }

    var button = Button.left
    var isDouble = false
    var modifiers: KeyModifiers = []
}

/// One field of a form and what shall be in it.
struct FillField: Sendable, Hashable {
    /// The field.
    var ref: String
    /// What the caller takes it for; the field itself decides.
    var type: String
    /// What to put in, as text; `true` and `false` for boxes.
    var value: String

    /// Whether a box shall be checked.
    var isOn: Bool { ["true", "1", "on", "yes", "checked"].contains(value.lowercased()) }
}

extension ActRequest {
    /// The words for `kind`.
    static let kinds = [
        "click", "type", "press", "hover", "scrollIntoView", "drag", "select", "fill", "resize", "wait", "evaluate",
        "close",
    ]
    /// How long an action may take when the caller says nothing.
    static let usualTimeout = 8_000
    /// How long one may take at most.
    static let longestTimeout = 120_000
    /// The longest text that is typed key by key.
    static let longestSlowText = 2_000
    /// The most fields that one request fills.
    static let mostFields = 200

    /// Reads the body of a request.
    ///
    /// - Throws: `BrowserError` 400 `invalid_input`, naming the argument and what it should be.
    init(_ body: JSONValue) throws {
        let values = ArgumentReader(body)
        let kind = try values.needed("kind", "one of \(Self.kinds.joined(separator: ", ")).")
        guard let known = Self.kinds.first(where: { $0.lowercased() == kind.lowercased() }) else {
            throw BrowserError.argument(
                "kind is \"\(kind.prefix(40))\"; it must be one of: \(Self.kinds.joined(separator: ", ")).")
        }
        if known != "wait", let selector = body["selector"], selector != .null {
            throw BrowserError.argument(
                "selector is not taken by kind \(known): take a snapshot (GET /snapshot) and use a ref from it, as in"
                    + " {\"kind\": \"\(known)\", \"ref\": \"e12\"}.")
        }
        self = try Self.read(known, values, body)
    }

    private static func read(_ kind: String, _ values: ArgumentReader, _ body: JSONValue) throws -> ActRequest {
        switch kind {
        case "click": return .click(ref: try ref(values), try click(values))
        case "type":
            guard let text = try values.raw("text") else {
                throw BrowserError.argument("text is missing: what to type. An empty text empties the field.")
            }
            let slowly = try values.flag("slowly") ?? false
            if slowly, text.count > longestSlowText {
                throw BrowserError.argument(
                    "text has \(text.count) characters; slowly takes at most \(longestSlowText). Leave slowly out.")
            }
            return .type(ref: try ref(values), text: text, submit: try values.flag("submit") ?? false, slowly: slowly)
        case "press":
            let chord = try KeyChord(try values.needed("key", "a key such as Enter or Control+A."))
            return .press(chord, delay: .milliseconds(try values.whole("delayMs", 0...10_000) ?? 0))
        case "hover": return .hover(ref: try ref(values))
        case "scrollIntoView": return .scrollIntoView(ref: try ref(values))
        case "drag": return .drag(from: try ref(values, "startRef"), to: try ref(values, "endRef"))
        case "select":
            guard let chosen = try values.texts("values"), !chosen.isEmpty else {
                throw BrowserError.argument(
                    "values is missing: the values or labels of the options to choose, as a list.")
            }
            return .select(ref: try ref(values), values: chosen)
        case "fill": return .fill(try fields(body["fields"]))
        case "resize":
            guard let width = try values.whole("width", 1...10_000), let height = try values.whole("height", 1...10_000)
            else { throw BrowserError.argument("width and height are needed: the size of the page in CSS pixels.") }
            return .resize(width: width, height: height)
        case "evaluate":
            let function = try values.needed("fn", "a JavaScript function such as () => document.title.")
            return .evaluate(function: function, ref: try values.text("ref"))
        case "wait": return .wait
        default: return .close
        }
    }

    /// How long the action of `body` may take.
    static func timeout(_ body: JSONValue) throws -> Duration {
        let given = try ArgumentReader(body).whole("timeoutMs", 0...Int(Int32.max)) ?? usualTimeout
        return .milliseconds(min(max(given, 1), longestTimeout))
    }

    private static func ref(_ values: ArgumentReader, _ name: String = "ref") throws -> String {
        try values.needed(name, "take a snapshot (GET /snapshot) and use a ref from it, such as e12.")
    }

    private static func click(_ values: ArgumentReader) throws -> Click {
        var click = Click()
        click.button = try values.choice("button", Click.Button.self) ?? .left
        click.isDouble = try values.flag("doubleClick") ?? false
        for name in try values.texts("modifiers") ?? [] {
            guard let modifier = KeyModifiers(name: name) else {
                throw BrowserError.argument(
                    "modifiers holds \"\(name.prefix(40))\"; modifiers are Alt, Control, ControlOrMeta, Meta, Shift.")
            }
            click.modifiers.insert(modifier)
        }
        return click
    }

    private static func fields(_ value: JSONValue?) throws -> [FillField] {
        let form = "fields must be a list of {\"ref\": \"e12\", \"type\": \"text\", \"value\": \"…\"}"
        guard let elements = value?.arrayValue, !elements.isEmpty else { throw BrowserError.argument("\(form).") }
        guard elements.count <= mostFields else {
            throw BrowserError.argument(
                "fields has \(elements.count) entries; one request fills at most \(mostFields).")
        }
        return try elements.enumerated().map { index, element in
            guard element.objectValue != nil else {
                throw BrowserError.argument("\(form); entry \(index + 1) is no object.")
            }
            let values = ArgumentReader(element)
            guard let ref = try values.text("ref") else {
                throw BrowserError.argument("fields entry \(index + 1) has no ref. \(form).")
            }
            let text: String
            switch element["value"] {
            case nil, .null?: text = ""
            case .string(let string)?: text = string
            case .bool(let flag)?: text = flag ? "true" : "false"
            case .int(let number)?: text = String(number)
            case .double(let number)?: text = "\(number)"
            case let other?:
                throw BrowserError.argument(
                    "fields entry \(index + 1) has a value of kind \(other.kindName); it must be text, a number or a"
                        + " truth value.")
            }
            return FillField(ref: ref, type: try values.text("type") ?? "text", value: text)
        }
    }
}
