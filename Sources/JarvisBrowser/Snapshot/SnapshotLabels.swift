import JarvisCore

extension Page {
    /// Takes a picture in which what a snapshot lets operate carries its ref, and adds it to the reply.
    func addLabels(to reply: inout JSONValue, of snapshot: Snapshot) async throws {
        let nodes = snapshot.nodes.filter { $0.ref != nil && $0.isOperable }
        var labels: [PageLabel] = []
        var hidden = 0
        for (frame, group) in Dictionary(grouping: nodes, by: \.frame) {
            // A frame that went meanwhile is not in the picture.
            let boxes = (try? await boxes(of: group.map(\.number), in: frame)) ?? []  // see above
            for (index, node) in group.enumerated() {
                guard boxes.indices.contains(index), let box = boxes[index] else {
                    hidden += 1
                    continue
                }
                labels.append(PageLabel(ref: node.ref ?? "", box: box))
            }
        }
        labels.sort { ($0.box.y, $0.box.x) < ($1.box.y, $1.box.x) }
        let picture = try await labelledPicture(labels)
        reply["labels"] = true
        reply["labelsCount"] = JSONValue(picture.labels)
        reply["labelsSkipped"] = JSONValue(picture.skipped + hidden)
        reply["imagePath"] = .string(picture.picture.path)
        reply["imageType"] = .string(picture.picture.type)
    }

    // Where elements of a frame can be seen in the main frame's viewport now; nil for those that can't.
    private func boxes(of numbers: [Int], in frame: String) async throws -> [PageBox?] {
        var list = try await script("boxes", [.array(numbers.map { JSONValue($0) })], frame: frame) ?? []
        var inner = frame
        while let parent = frames.first(where: { $0.id == inner })?.parent {
            guard let owner = refs.owner(of: inner), owner.owner.frame == parent else { return [] }
            list =
                try await script(
                    "throughBoxes", [JSONValue(owner.owner.number), list], frame: parent, token: owner.token) ?? []
            inner = parent
        }
        return (list.arrayValue ?? []).map { box in
            guard let x = box[0]?.doubleValue, let y = box[1]?.doubleValue, let width = box[2]?.doubleValue,
                let height = box[3]?.doubleValue
            else { return nil }
            return PageBox(x: x, y: y, width: width, height: height)
        }
    }
}
