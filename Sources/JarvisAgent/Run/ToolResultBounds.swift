import JarvisKit

extension ToolResult {
    /// The result within the limits of a run: text cut at a character, images beyond the number or the size left out,
    /// everything that is missing said; never empty.
    func bounded(_ limits: RunLimits) -> ToolResult {
        var bounded = bounded(to: limits.toolResultBytes)
        var images = 0
        bounded.content = bounded.content.compactMap { block in
            switch block {
            case .text: return block
            case .image(let data, let mimeType):
                let size = data.utf8.count
                if size > limits.toolImageBytes {
                    return .text("[\(mimeType) left out: \(size) bytes of base64, at most \(limits.toolImageBytes)]")
                }
                images += 1
                if images > limits.toolResultImages {
                    return .text("[\(mimeType) left out: at most \(limits.toolResultImages) images a result]")
                }
                return block
            // A tool neither thinks nor calls.
            case .thinking, .toolCall: return nil
            }
        }
        if bounded.content.isEmpty { bounded.content = [.text("(no output)")] }
        return bounded
    }

    /// The result with at most `limit` bytes of text, cut at a character and marked.
    func bounded(to limit: Int) -> ToolResult {
        var rest = limit
        var bounded = self
        bounded.content = content.map { block in
            guard case .text(let text) = block else { return block }
            let size = text.utf8.count
            if size <= rest {
                rest -= size
                return block
            }
            var kept = Substring(decoding: text.utf8.prefix(rest), as: UTF8.self)
            while kept.hasSuffix("\u{FFFD}") { kept.removeLast() }
            rest = 0
            return .text("\(kept)\n[cut: \(size - kept.utf8.count) of \(size) bytes left out]")
        }
        return bounded
    }
}
