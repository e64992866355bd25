import JarvisCore

/// The lines typed before, in a file of the instance (0600). Losing it hurts nobody, so failures are silent.
struct LineHistory: Sendable {
    /// The file; nil keeps nothing.
    let path: String?
    private static let kept = 500

    /// The lines, oldest first; makes the file smaller when it has grown.
    func load() -> [String] {
        guard let path, let bytes = try? DurableFile.read(path, limit: 8 << 20) else { return [] }  // none yet
        let lines = bytes.split(separator: 0x0A).compactMap { line in
            (try? JSONParser.parse(line))?.stringValue  // a torn line is left out
        }
        if lines.count > Self.kept * 2 {
            let text = lines.suffix(Self.kept).map { JSONWriter.string(.string($0)) + "\n" }.joined()
            try? DurableFile.write(Array(text.utf8), to: path)  // see above
        }
        return lines.suffix(Self.kept)
    }

    /// Keeps `line`.
    func append(_ line: String) {
        guard let path, !line.allSatisfy(\.isWhitespace) else { return }
        try? DurableFile.append(JSONWriter.encode(.string(line)) + [0x0A], to: path, sync: false)  // see above
    }
}
