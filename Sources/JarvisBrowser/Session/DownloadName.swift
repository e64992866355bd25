/// Names that servers and pages give to files, made fit for a directory of ours.
enum DownloadName {
    /// The longest name, in bytes.
    static let longest = 150

    /// `suggested` as one harmless name: no path, no control or formatting characters, no leading dot, not too long.
    static func safe(_ suggested: String) -> String {
        let last = suggested.split { $0 == "/" || $0 == "\\" }.last.map(String.init) ?? ""
        var name = String.UnicodeScalarView()
        for scalar in last.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: continue
            default: name.append("<>:\"|?*".unicodeScalars.contains(scalar) ? "_" : scalar)
            }
        }
        var text = String(name)
        while let first = text.first, first == "." || first.isWhitespace { text.removeFirst() }
        while let end = text.last, end == "." || end.isWhitespace { text.removeLast() }
        return text.isEmpty ? "download" : cut(text)
    }

    /// The name for the `number`-th file that wants to be called `name`: `report (2).pdf`.
    static func numbered(_ name: String, _ number: Int) -> String {
        guard number > 1 else { return name }
        let (stem, ending) = parts(name)
        return "\(stem) (\(number))\(ending)"
    }

    private static func cut(_ name: String) -> String {
        guard name.utf8.count > longest else { return name }
        let (stem, ending) = parts(name)
        var kept = ""
        for character in stem {
            if kept.utf8.count + String(character).utf8.count + ending.utf8.count > longest { break }
            kept.append(character)
        }
        return kept.isEmpty ? "download" : kept + ending
    }

    // The ending is part of what a file is, unless it is no ending.
    private static func parts(_ name: String) -> (stem: String, ending: String) {
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return (name, "") }
        let ending = String(name[dot...])
        return ending.utf8.count > 20 ? (name, "") : (String(name[..<dot]), ending)
    }
}
