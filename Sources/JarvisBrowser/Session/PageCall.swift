import JarvisCore

extension Page {
    /// Calls a JavaScript function declaration in `frame`, in a world of ours that the page can't see (`isolated`) or in
    /// the page's own. A promise is waited for.
    ///
    /// - Parameters:
    ///   - arguments: values; an object whose only member is `objectId` is passed as that remote object.
    ///   - object: a remote object to pass as `this`; then its world counts, and `frame` names the frame it lives in.
    /// - Returns: the value (`null` for undefined), or with `byReference` the `RemoteObject`.
    /// - Throws: `BrowserError`: 500 `script_error` with the script's own error, and what `send` throws.
    package func call(
        _ function: String, _ arguments: [JSONValue] = [], on object: String? = nil, frame: String? = nil,
        isolated: Bool = true, byReference: Bool = false, timeout: Duration = .seconds(30)
    ) async throws -> JSONValue {
        var params: JSONValue = [
            "functionDeclaration": .string(function), "returnByValue": .bool(!byReference), "awaitPromise": true,
            "userGesture": true,
            "arguments": .array(
                arguments.map { value in
                    if let members = value.objectValue, members.count == 1, members["objectId"] != nil { return value }
                    return ["value": value]
                }),
        ]
        if let object {
            params["objectId"] = .string(object)
            return try Self.result(
                of: await send("Runtime.callFunctionOn", params, frame: frame, timeout: timeout), byReference)
        }
        var attempts = 0
        while true {
            attempts += 1
            let world = try await world(frame: frame, isolated: isolated, timeout: timeout)
            params["executionContextId"] = JSONValue(world.id)
            do {
                return try Self.result(
                    of: await send("Runtime.callFunctionOn", params, over: world.session, timeout: timeout),
                    byReference)
            } catch let error as BrowserError
                where attempts < 4 && error.message.contains("Cannot find context with specified id")
            {
                // The document was replaced before the call began, so that calling again is safe.
                state.change { $0.worlds.destroyed(world.id, session: world.session) }
            }
        }
    }

    /// Lets go of a remote object of `frame`.
    package func release(_ object: String, frame: String? = nil) {
        guard let id = state.read({ $0.tree.session(of: frame) }) else { return }
        session.connection.post("Runtime.releaseObject", ["objectId": .string(object)], session: id)
    }

    // The world to call in; waits while a document is being replaced.
    private func world(frame: String?, isolated: Bool, timeout: Duration) async throws -> Worlds.World {
        enum Found {
            case world(Worlds.World)
            case absent(frame: String, session: String)
            case gone
        }
        @Sendable func look(_ state: PageState) -> Found {
            let frame = frame ?? state.tree.root
            guard let node = state.tree.nodes[frame] else { return .gone }
            // A frame that has changed processes has worlds in both for a moment.
            let world = isolated ? state.worlds.isolated[frame] : state.worlds.own[frame]
            if let world, world.session == node.session { return .world(world) }
            return .absent(frame: frame, session: node.session)
        }
        switch state.read(look) {
        case .world(let world): return world
        case .gone: throw BrowserError(404, "unknown_frame", "The frame is gone: take a new snapshot.")
        case .absent(let frame, let owner):
            if isolated {
                let made = try await send(
                    "Page.createIsolatedWorld",
                    ["frameId": .string(frame), "worldName": .string(Worlds.name), "grantUniveralAccess": true],
                    over: owner, timeout: timeout)
                guard let id = made["executionContextId"]?.intValue else {
                    throw BrowserError(500, "browser_refused", "The browser made no world for the frame.")
                }
                state.change { $0.worlds.made(id, frame: frame, session: owner) }
                return Worlds.World(session: owner, id: id)
            }
            let found: Found? = await state.wait(min(timeout, .seconds(10))) { state in
                if state.end != nil || state.dialog != nil || state.hasCrashed { return .gone }
                if case .absent = look(state) { return nil }
                return look(state)
            }
            if case .world(let world) = found { return world }
            if let refusal = refusal(of: "Runtime.callFunctionOn") { throw refusal }
            throw BrowserError(408, "timeout", "The frame has no document that scripts could run in.")
        }
    }

    private static func result(of answer: JSONValue, _ byReference: Bool) throws -> JSONValue {
        if let details = answer["exceptionDetails"] {
            throw BrowserError(500, "script_error", "The script failed: \(ScriptText.exception(details))")
        }
        let result = answer["result"] ?? [:]
        if byReference { return result }
        if let value = result["value"] { return value }
        // Numbers that JSON has no word for, and big integers.
        if let unserializable = result["unserializableValue"] { return unserializable }
        return .null
    }
}
