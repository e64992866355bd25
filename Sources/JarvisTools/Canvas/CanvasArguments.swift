import JarvisCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Reads what a caller wants of the canvas. Other spellings that clients of this kind use are understood: `url` and
/// `target` for `path`, `outputFormat` for `format`.
package enum CanvasArguments {
    /// The command of the tool's arguments.
    ///
    /// - Throws: `canvas.arguments`, exit 2.
    package static func command(_ arguments: JSONValue) throws -> CanvasCommand {
        switch arguments["action"]?.stringValue {
        case "present":
            return .present(
                path: path(arguments), html: arguments["html"]?.stringValue, files: try files(arguments["files"]),
                title: arguments["title"]?.stringValue)
        case "navigate":
            guard let path = path(arguments) else { throw refuse("navigate needs path") }
            return .navigate(path: path)
        case "hide": return .hide
        case "eval":
            guard let script = arguments["javaScript"]?.stringValue, !script.isEmpty else {
                throw refuse("eval needs javaScript")
            }
            return .evaluate(javaScript: script, timeoutMs: timeout(arguments, standard: 10_000))
        case "snapshot": return .snapshot(picture(arguments))
        case let other:
            let found = other.map { "\"\($0.prefix(40))\"" } ?? "none"
            throw refuse("action is one of present, navigate, hide, eval, snapshot; found \(found)")
        }
    }

    /// The page that is meant; nil when none is named.
    package static func path(_ arguments: JSONValue) -> String? {
        for name in ["path", "url", "target"] {
            if let path = arguments[name]?.stringValue, !path.isEmpty { return path }
        }
        return nil
    }

    /// Reads an array of `{path, content, encoding?}`.
    ///
    /// - Throws: `canvas.arguments`, exit 2.
    package static func files(_ value: JSONValue?) throws -> [CanvasFile] {
        guard let value, !value.isNull else { return [] }
        guard let elements = value.arrayValue else { throw refuse("files is an array of {path, content, encoding?}") }
        return try elements.map { element in
            guard let path = element["path"]?.stringValue, let content = element["content"]?.stringValue else {
                throw refuse("a file is {path, content, encoding?}")
            }
            switch element["encoding"]?.stringValue ?? "utf8" {
            case "utf8": return CanvasFile(path: path, bytes: Array(content.utf8))
            case "base64":
                guard let data = Data(base64Encoded: content) else {
                    throw refuse("the content of \"\(path.prefix(120))\" is no base64")
                }
                return CanvasFile(path: path, bytes: Array(data))
            case let other:
                throw refuse("encoding \"\(other.prefix(40))\" is not known; expected utf8 or base64")
            }
        }
    }

    /// How a picture is to be taken; what is left out, or out of range, has its default or the nearest good value.
    package static func picture(_ arguments: JSONValue) -> CanvasPicture {
        var picture = CanvasPicture()
        let format = arguments["outputFormat"]?.stringValue ?? arguments["format"]?.stringValue ?? "png"
        picture.format = format == "png" ? "png" : "jpeg"
        if let width = arguments["maxWidth"]?.intValue { picture.maxWidth = min(max(width, 1), 4096) }
        if let quality = arguments["quality"]?.intValue { picture.quality = min(max(quality, 1), 100) }
        if let delay = arguments["delayMs"]?.intValue { picture.delayMs = min(max(delay, 0), 10_000) }
        picture.timeoutMs = timeout(arguments, standard: picture.timeoutMs)
        return picture
    }

    private static func timeout(_ arguments: JSONValue, standard: Int) -> Int {
        arguments["timeoutMs"]?.intValue.map { min(max($0, 100), 60_000) } ?? standard
    }

    private static func refuse(_ text: String) -> JarvisError { JarvisError("canvas.arguments", text, exitCode: 2) }
}
