import JarvisCore

/// What can be asked of the canvas, by the agent's tool, by RPC and by the command line.
package enum CanvasCommand: Sendable, Hashable {
    /// Writes `files` (and `html` as the page at `path`) below the root, then shows the page at `path`.
    case present(path: String?, html: String?, files: [CanvasFile], title: String?)
    /// Takes the canvas away.
    case hide
    /// Shows another page of the canvas.
    case navigate(path: String)
    /// Runs JavaScript in the shown page, in its sandbox.
    case evaluate(javaScript: String, timeoutMs: Int)
    /// A picture of the shown page.
    case snapshot(CanvasPicture)
}

/// A file for the canvas.
package struct CanvasFile: Sendable, Hashable {
    /// Relative to the root: `app/main.js`.
    package var path: String
    /// The content.
    package var bytes: [UInt8]

    /// A file.
    package init(path: String, bytes: [UInt8]) {
        self.path = path
        self.bytes = bytes
    }
}

/// How a picture of the canvas is taken.
package struct CanvasPicture: Sendable, Hashable {
    /// `png` (default) or `jpeg`.
    package var format = "png"
    /// The largest width in pixels; 1 to 4096. Default 1280.
    package var maxWidth = 1280
    /// Of a JPEG; 1 to 100. Default 80.
    package var quality = 80
    /// How long to wait before, in milliseconds; at most 10,000. Default 0.
    package var delayMs = 0
    /// How long it may take, in milliseconds. Default 15,000.
    package var timeoutMs = 15_000

    /// The defaults.
    package init() {}
}

/// What the canvas answered.
package struct CanvasAnswer: Sendable {
    /// For the model and for programs; bounded.
    package var json: JSONValue
    /// A picture as base64 without line breaks, with its MIME type; nil when none was asked for.
    package var image: (base64: String, mimeType: String)?

    /// An answer.
    package init(json: JSONValue, image: (base64: String, mimeType: String)? = nil) {
        self.json = json
        self.image = image
    }
}
