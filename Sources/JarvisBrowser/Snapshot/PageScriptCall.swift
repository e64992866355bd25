import JarvisCore

extension Page {
    /// Calls a member of the page script in a frame, and puts the script there first when it is missing.
    ///
    /// - Parameters:
    ///   - frame: nil: the main frame.
    ///   - token: the document that must be in the frame; another one, or none with the script, gives nil.
    func script(
        _ name: String, _ arguments: [JSONValue], frame: String?, token: String? = nil,
        timeout: Duration = .seconds(30)
    ) async throws -> JSONValue? {
        let all = [token.map { JSONValue.string($0) } ?? .null, .string(name)] + arguments
        let answer = try await call(PageScript.invoke, all, frame: frame, timeout: timeout)
        guard answer["absent"]?.boolValue == true else { return answer }
        guard token == nil else { return nil }
        _ = try await call(PageScript.install, [], frame: frame, timeout: timeout)
        let second = try await call(PageScript.invoke, all, frame: frame, timeout: timeout)
        // Replaced in the very moment: the caller tries again or reports it.
        return second["absent"]?.boolValue == true ? nil : second
    }

    /// The remote objects of elements, in the order of `numbers`; nil for those that are gone. The caller releases them.
    func objects(_ numbers: [Int], frame: String?) async throws -> [String?] {
        let list = try await call(
            PageScript.elements, [.array(numbers.map { JSONValue($0) })], frame: frame, byReference: true)
        guard let id = list["objectId"]?.stringValue else { return numbers.map { _ in nil } }
        defer { release(id, frame: frame) }
        return try await members(of: id, frame: frame, count: numbers.count)
    }

    /// The remote objects in an array that is itself a remote object.
    func members(of array: String, frame: String?, count: Int) async throws -> [String?] {
        let answer = try await send(
            "Runtime.getProperties", ["objectId": .string(array), "ownProperties": true], frame: frame)
        var found = [String?](repeating: nil, count: count)
        for property in answer["result"]?.arrayValue ?? [] {
            guard let index = property["name"]?.stringValue.flatMap({ Int($0) }), found.indices.contains(index) else {
                continue
            }
            found[index] = property["value"]?["objectId"]?.stringValue
        }
        return found
    }

    /// What the browser knows of a node: its own number, the frame that it shows, its shadow roots.
    func describe(_ object: String, frame: String?) async throws -> JSONValue {
        try await send("DOM.describeNode", ["objectId": .string(object)], frame: frame)["node"] ?? [:]
    }

    /// Asks the browser for the closed shadow roots of the elements that the last reading of `frame` suspected.
    ///
    /// - Returns: whether there are any.
    func learnClosedRoots(_ count: Int, frame: String?) async throws -> Bool {
        let list = try await call(
            "function() { return globalThis.__jarvis?.suspects ?? []; }", [], frame: frame, byReference: true)
        guard let id = list["objectId"]?.stringValue else { return false }
        defer { release(id, frame: frame) }
        let hosts = try await members(of: id, frame: frame, count: count).compactMap { $0 }
        defer { for host in hosts { release(host, frame: frame) } }
        let main = state.read { $0.tree.root }
        guard let world = state.read({ $0.worlds.isolated[frame ?? main]?.id }) else { return false }
        let roots = try await withThrowingTaskGroup(of: (host: String, root: String)?.self) {
            group -> [(host: String, root: String)] in
            for host in hosts {
                group.addTask {
                    let node = try await self.describe(host, frame: frame)
                    let closed = node["shadowRoots"]?.arrayValue?.first {
                        $0["shadowRootType"]?.stringValue == "closed"
                    }
                    guard let number = closed?["backendNodeId"]?.intValue else { return nil }
                    let root = try await self.send(
                        "DOM.resolveNode",
                        ["backendNodeId": JSONValue(number), "executionContextId": JSONValue(world)], frame: frame)
                    return root["object"]?["objectId"]?.stringValue.map { (host, $0) }
                }
            }
            var found: [(host: String, root: String)] = []
            for try await pair in group { if let pair { found.append(pair) } }
            return found
        }
        _ = try await call("function() { globalThis.__jarvis?.learnSuspects(); }", [], frame: frame)
        guard !roots.isEmpty else { return false }
        _ = try await call(
            "function(...pairs) { globalThis.__jarvis?.learnRoots(...pairs); }",
            roots.flatMap { [["objectId": .string($0.host)], ["objectId": .string($0.root)]] }, frame: frame)
        for pair in roots { release(pair.root, frame: frame) }
        return true
    }
}
