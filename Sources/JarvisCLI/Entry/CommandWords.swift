import ArgumentParser
import JarvisCore

/// The words of the command tree: finds a word that is no command before the parser does, to say what was meant.
enum CommandWords {
    /// Passes when the leading words of `arguments` are commands.
    ///
    /// - Throws: `usage.command`, exit 2, with the nearest command.
    static func check(_ arguments: [String], root: any ParsableCommand.Type = JarvisCommand.self) throws {
        var node = root
        var path = ["jarvis"]
        for word in arguments {
            let commands = node.configuration.subcommands
            guard !commands.isEmpty, !word.hasPrefix("-"), word != "help" else { return }
            guard let next = commands.first(where: { name($0) == word || $0.configuration.aliases.contains(word) })
            else {
                let known = commands.filter { $0.configuration.shouldDisplay }.map(name)
                let meant = nearest(word, in: known)
                throw JarvisError(
                    "usage.command", "“\(word.prefix(60))” is no command of \(path.joined(separator: " ")).",
                    hint: meant.map { "Did you mean: \((path + [$0]).joined(separator: " "))" }
                        ?? "Commands: \(known.joined(separator: ", ")). See: \(path.joined(separator: " ")) --help",
                    exitCode: 2)
            }
            node = next
            path.append(word)
        }
    }

    static func name(_ command: any ParsableCommand.Type) -> String { command.configuration.commandName ?? "" }

    /// The word at most two letters away, or the one that begins like it.
    static func nearest(_ word: String, in known: [String]) -> String? {
        let ranked = known.map { (word: $0, distance: EditDistance.between(word.lowercased(), $0)) }
        let best = ranked.min { $0.distance < $1.distance }
        if let best, best.distance <= 2, best.distance < best.word.count { return best.word }
        return word.count >= 2 ? known.first { $0.hasPrefix(word.lowercased()) } : nil
    }
}
