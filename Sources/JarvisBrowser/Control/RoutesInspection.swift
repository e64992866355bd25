import JarvisCore

extension BrowserRoutes {
    static let inspection: [BrowserRoute] = [
        BrowserRoute("GET", "/snapshot", "Reads a page as text with refs for what can be acted on.") { call in
            let options = try SnapshotOptions(ArgumentReader(call))
            let page = try await call.page()
            let snapshot = try await page.snapshot(options)
            if options.format == .aria {
                return snapshot.ariaReply(
                    targetId: page.targetId, backend: try await page.backendNodes(of: snapshot.nodes))
            }
            var reply = snapshot.reply(targetId: page.targetId)
            if options.hasLabels { try await page.addLabels(to: &reply, of: snapshot) }
            return reply
        }
    ]
}

extension Page {
    /// The browser's own numbers of the elements in a snapshot; all are asked for at once.
    func backendNodes(of nodes: [SnapshotNode]) async throws -> [FrameOwner: Int] {
        var byFrame: [String: [Int]] = [:]
        for node in nodes where node.number != 0 { byFrame[node.frame, default: []].append(node.number) }
        var found: [FrameOwner: Int] = [:]
        for (frame, numbers) in byFrame {
            // A frame that went meanwhile has no nodes any more.
            guard let objects = try? await objects(numbers, frame: frame) else { continue }  // see above
            try await withThrowingTaskGroup(of: (Int, Int?).self) { group in
                for (number, object) in zip(numbers, objects) {
                    guard let object else { continue }
                    group.addTask {
                        defer { self.release(object, frame: frame) }
                        return (number, try await self.describe(object, frame: frame)["backendNodeId"]?.intValue)
                    }
                }
                for try await (number, backend) in group {
                    if let backend { found[FrameOwner(frame: frame, number: number)] = backend }
                }
            }
        }
        return found
    }
}
