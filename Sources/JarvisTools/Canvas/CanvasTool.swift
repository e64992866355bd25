import JarvisCore
import JarvisKit

/// `canvas`: pages that the agent writes and its owner sees.
struct CanvasTool: Tool {
    private let perform: @Sendable (CanvasCommand) async throws -> CanvasAnswer

    /// Nil where there is no canvas.
    init?(environment: ToolEnvironment) {
        guard let perform = environment.canvas else { return nil }
        self.perform = perform
    }

    let definition = ToolDefinition(
        name: "canvas", label: "Canvas",
        description: "Shows the user a page that you write: reports, charts, tables, forms, small apps. "
            + "present: writes `html` (a whole document, to `path` or index.html) and `files`, then shows the page; "
            + "without them it shows what is at `path`. Changing a file that is shown loads it anew by itself. "
            + "navigate: shows another page of the canvas. hide: takes it away. "
            + "eval: runs JavaScript in the shown page and returns the value of its last expression. "
            + "snapshot: a picture of the shown page, to check how it looks. "
            + "Pages may use inline script and style and files of the canvas by relative paths; they have no network, "
            + "so put libraries and data into `files`. For pages of the web use the browser.",
        parameters: [
            "type": "object",
            "properties": [
                "action": [
                    "type": "string", "enum": ["present", "navigate", "hide", "eval", "snapshot"],
                    "description": "What to do.",
                ],
                "path": [
                    "type": "string", "description": "present, navigate: the page, from the root: report/index.html",
                ],
                "html": ["type": "string", "description": "present: the page as an HTML document."],
                "files": [
                    "type": "array", "description": "present: more files to write.",
                    "items": [
                        "type": "object",
                        "properties": [
                            "path": ["type": "string", "description": "From the root: report/data.json"],
                            "content": ["type": "string", "description": "The content."],
                            "encoding": [
                                "type": "string", "enum": ["utf8", "base64"],
                                "description": "How content is spelled. Default utf8.",
                            ],
                        ],
                        "required": ["path", "content"], "additionalProperties": false,
                    ],
                ],
                "title": ["type": "string", "description": "present: what the page is called."],
                "javaScript": ["type": "string", "description": "eval: the script; may use await."],
                "maxWidth": ["type": "integer", "description": "snapshot: in pixels. Default 1280."],
                "delayMs": ["type": "integer", "description": "snapshot: how long to wait before. Default 0."],
                "timeoutMs": ["type": "integer", "description": "eval, snapshot: how long it may take."],
            ],
            "required": ["action"], "additionalProperties": false,
        ],
        group: "ui")

    func assess(_ arguments: JSONValue, context: ToolContext) -> ToolAssessment {
        switch arguments["action"]?.stringValue {
        case "snapshot": ToolAssessment(.read, "Take a picture of the canvas")
        case "eval": ToolAssessment(.outside, "Run script in the canvas's sandbox")
        case "hide": ToolAssessment(.outside, "Hide the canvas")
        case "navigate": ToolAssessment(.outside, "Show another page of the canvas")
        default: ToolAssessment(.outside, "Show a page on the canvas")
        }
    }

    func call(_ arguments: JSONValue, context: ToolContext) async throws -> ToolResult {
        let command: CanvasCommand
        do {
            command = try CanvasArguments.command(arguments)
        } catch let error as JarvisError {
            return .text(error.message, isError: true)
        }
        do {
            let answer = try await perform(command)
            let text = ContentBlock.text(JSONWriter.string(answer.json))
            guard let image = answer.image else { return ToolResult(content: [text]) }
            guard context.readsImages else {
                return .text("The picture was taken, but you can't see pictures; use eval to look at the page instead.")
            }
            return ToolResult(content: [text, .image(data: image.base64, mimeType: image.mimeType)])
        } catch let error as JarvisError {
            return .text(error.message + (error.hint.map { " (\($0))" } ?? ""), isError: true)
        }
    }
}
