import JarvisCore
import JarvisNet
import JarvisProtocol
import JarvisTools

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The canvas over RPC.
enum CanvasMethods {
    static let handlers: [String: MethodHandler] = [
        "canvas.status": .immediate { gateway, _ in gateway.canvasStatus() },
        "canvas.url": .concurrent { gateway, call in
            _ = try await gateway.canvasFiles()
            let page = try call.string("path").map(CanvasPage.init)
            return try gateway.canvasAddress(page, for: call.connection)
        },
        "canvas.attach": .concurrent { gateway, call in
            _ = try await gateway.canvasFiles()
            gateway.attachRenderer(call.connection, isVisible: call.flag("visible"))
            return ["ok": true, "scene": gateway.canvas.scene.json]
        },
        "canvas.result": .immediate { gateway, call in
            let isAwaited = gateway.canvasAnswered(
                call.string("id") ?? "", by: call.connection, call.params)
            return ["ok": .bool(isAwaited)]
        },
        "canvas.present": .ordered { gateway, call in
            try await gateway.perform(
                .present(
                    path: try call.pagePath(), html: call.string("html"),
                    files: try CanvasMethods.files(call.params["files"]),
                    title: call.string("title"))
            ).json
        },
        "canvas.hide": .ordered { gateway, _ in
            _ = try await gateway.canvasFiles()
            return try await gateway.perform(.hide).json
        },
        "canvas.navigate": .ordered { gateway, call in
            guard let path = try call.pagePath() else {
                throw WireError.invalidRequest("invalid canvas.navigate params: path or url is needed")
            }
            return try await gateway.perform(.navigate(path: path)).json
        },
        "canvas.eval": .concurrent { gateway, call in
            try await gateway.perform(
                .evaluate(javaScript: call.string("javaScript") ?? "", timeoutMs: call.int("timeoutMs") ?? 10_000)
            ).json
        },
        "canvas.snapshot": .concurrent { gateway, call in
            let answer = try await gateway.perform(.snapshot(CanvasMethods.picture(call.params)))
            var json = answer.json
            json["base64"] = answer.image.map { .string($0.base64) }
            return json
        },
        "node.canvas.capability.refresh": .concurrent { gateway, call in
            _ = try await gateway.canvasFiles()
            return try gateway.canvasCapability(for: call.connection)
        },
    ]

    /// Reads `files`: an array of `{path, content, encoding?}`.
    static func files(_ value: JSONValue?) throws -> [CanvasFile] {
        guard let elements = value?.arrayValue else { return [] }
        return try elements.map { element in
            guard let path = element["path"]?.stringValue, let content = element["content"]?.stringValue else {
                throw JarvisError("canvas.files", "a file of the canvas is {path, content, encoding?}", exitCode: 2)
            }
            switch element["encoding"]?.stringValue ?? "utf8" {
            case "utf8": return CanvasFile(path: path, bytes: Array(content.utf8))
            case "base64":
                guard let data = Data(base64Encoded: content) else {
                    throw JarvisError(
                        "canvas.files", "the content of \"\(path.prefix(120))\" is no base64", exitCode: 2)
                }
                return CanvasFile(path: path, bytes: Array(data))
            case let other:
                throw JarvisError(
                    "canvas.files", "encoding \"\(other.prefix(40))\" is not known; expected utf8 or base64",
                    exitCode: 2)
            }
        }
    }

    /// Reads how a picture is to be taken; what is left out has its default.
    static func picture(_ params: JSONValue) -> CanvasPicture {
        var picture = CanvasPicture()
        let format = params["outputFormat"]?.stringValue ?? params["format"]?.stringValue ?? "png"
        picture.format = format == "png" ? "png" : "jpeg"
        if let width = params["maxWidth"]?.intValue { picture.maxWidth = min(max(width, 1), 4096) }
        if let quality = params["quality"]?.intValue { picture.quality = min(max(quality, 1), 100) }
        if let delay = params["delayMs"]?.intValue { picture.delayMs = min(max(delay, 0), 10_000) }
        if let timeout = params["timeoutMs"]?.intValue { picture.timeoutMs = min(max(timeout, 100), 60_000) }
        return picture
    }
}

extension MethodCall {
    /// `path`, `url` or `target`: older clients of the family say the latter two.
    fileprivate func pagePath() throws -> String? { string("path") ?? string("url") ?? string("target") }
}

extension Gateway {
    fileprivate func canvasStatus() -> JSONValue {
        .members([
            "enabled": .bool(canvas.isEnabled), "liveReload": .bool(canvas.liveReload),
            "root": .string(canvas.files?.root ?? canvas.configuredRoot), "scene": canvas.scene.json,
            "renderers": JSONValue(canvas.renderers.count), "viewers": JSONValue(canvas.viewers.count),
            "watching": .bool(canvas.watch != nil), "capabilities": JSONValue(canvas.capabilities.count),
        ])
    }

    /// An address that opens `page`, or what is shown now.
    fileprivate func canvasAddress(_ page: CanvasPage?, for connection: Int) throws -> JSONValue {
        let page = try page ?? CanvasPage(canvas.scene.path)
        let address = page.address(capability: issueCanvasCapability(to: connection))
        return [
            "ok": true, "address": .string(address), "url": .string(canvasOrigin(connection) + address),
            "path": .string(page.text), "expiresInMs": JSONValue(canvasLifeMs),
        ]
    }

    fileprivate func canvasCapability(for connection: Int) throws -> JSONValue {
        let capability = issueCanvasCapability(to: connection)
        let scope = "\(CanvasTarget.prefix)/cap/\(capability)"
        return [
            "canvasCapability": .string(capability),
            "canvasCapabilityExpiresAtMs": .int(clock.now() + Int64(canvasLifeMs)),
            "canvasHostUrl": .string(canvasOrigin(connection) + scope),
        ]
    }

    private var canvasLifeMs: Int { Int(canvas.capabilities.ttl.components.seconds) * 1000 }

    private func issueCanvasCapability(to connection: Int) -> String {
        let holder = CanvasCapabilities.Holder(
            connection: connection, deviceId: connections[connection]?.session?.deviceId)
        return canvas.capabilities.issue(to: holder, now: monotonic.now())
    }

    /// The origin under which the client reached us; over the control socket, the loopback port.
    private func canvasOrigin(_ connection: Int) -> String {
        guard let connection = connections[connection], case .tcp = connection.peer else {
            return "http://127.0.0.1:\(port)"
        }
        if let origin = connection.origin, origins.allowsOrigin(origin, host: connection.host) { return origin }
        return "http://\(connection.host)"
    }
}
