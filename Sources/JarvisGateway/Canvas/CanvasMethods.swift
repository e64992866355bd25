import JarvisCore
import JarvisNet
import JarvisProtocol
import JarvisTools

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
            return [
                "ok": true, "scene": gateway.canvas.scene.json, "liveReload": .bool(gateway.canvas.liveReload),
            ]
        },
        "canvas.result": .immediate { gateway, call in
            let isAwaited = gateway.canvasAnswered(
                call.string("id") ?? "", by: call.connection, call.params)
            return ["ok": .bool(isAwaited)]
        },
        "canvas.present": .ordered { gateway, call in try await gateway.perform("present", call).json },
        "canvas.hide": .ordered { gateway, call in try await gateway.perform("hide", call).json },
        "canvas.navigate": .ordered { gateway, call in try await gateway.perform("navigate", call).json },
        "canvas.eval": .concurrent { gateway, call in try await gateway.perform("eval", call).json },
        "canvas.snapshot": .concurrent { gateway, call in
            let answer = try await gateway.perform("snapshot", call)
            var json = answer.json
            json["base64"] = answer.image.map { .string($0.base64) }
            return json
        },
        "node.canvas.capability.refresh": .concurrent { gateway, call in
            _ = try await gateway.canvasFiles()
            return try gateway.canvasCapability(for: call.connection)
        },
    ]
}

extension Gateway {
    fileprivate func perform(_ action: String, _ call: MethodCall) async throws -> CanvasAnswer {
        var arguments = call.params
        arguments["action"] = .string(action)
        return try await perform(try CanvasArguments.command(arguments))
    }

    fileprivate func canvasStatus() -> JSONValue {
        .members([
            "enabled": .bool(canvas.isEnabled), "liveReload": .bool(canvas.liveReload),
            "root": .string(canvas.files?.root ?? canvas.configuredRoot), "scene": canvas.scene.json,
            "renderers": JSONValue(canvas.renderers.count), "viewers": JSONValue(canvas.viewers.count),
            "watching": .bool(canvas.isWatching), "capabilities": JSONValue(canvas.capabilities.count),
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
