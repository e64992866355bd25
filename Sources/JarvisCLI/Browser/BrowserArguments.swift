/// Puts a command line of `jarvis browser` in the order that the parser reads.
enum BrowserArguments {
    /// Options of every command below `browser` that may stand before the command, and whether they take a value.
    private static let shared = [
        "--browser-profile": true, "--url": true, "--token": true, "--password": true, "--timeout": true,
        "--json": false, "--expect-final": false,
    ]

    /// The command line in that order; another command's is handed through.
    static func rearranged(_ arguments: [String]) -> [String] {
        guard arguments.first == BrowserCommand.configuration.commandName else { return arguments }
        return withNumbersBehind(withSharedOptionsBehind(arguments))
    }

    /// Moves the shared options that stand between `browser` and its command behind the command.
    private static func withSharedOptionsBehind(_ arguments: [String]) -> [String] {
        var rest = arguments.dropFirst()
        var moved: [String] = []
        while let option = rest.first {
            let name = String(option.split(separator: "=", maxSplits: 1).first ?? "")
            guard let takesValue = shared[name] else { break }
            moved.append(rest.removeFirst())
            if takesValue, name == option, let value = rest.popFirst() { moved.append(value) }
        }
        guard !moved.isEmpty, let first = rest.first, !first.hasPrefix("-") else { return arguments }
        if first == "wait" || rest.prefix(2) == ["cookies", "set"] {
            // Behind these commands --url is the address of a page.
            moved = moved.map { $0 == "--url" || $0.hasPrefix("--url=") ? "--gateway-" + $0.dropFirst(2) : $0 }
        }
        let end = rest.firstIndex(of: "--") ?? rest.endIndex
        return arguments.prefix(1) + Array(rest[..<end]) + moved + Array(rest[end...])
    }

    /// Puts the numbers of `set geo` behind `--`, where one below zero is no option.
    private static func withNumbersBehind(_ arguments: [String]) -> [String] {
        guard arguments.prefix(3) == ["browser", "set", "geo"], !arguments.contains("--") else { return arguments }
        var others = Array(arguments.prefix(3))
        var numbers: [String] = []
        for word in arguments.dropFirst(3) {
            let isValue = others.last.map { $0.hasPrefix("--") && !["--clear", "--json"].contains($0) } ?? false
            if Double(word) != nil, !isValue { numbers.append(word) } else { others.append(word) }
        }
        return numbers.isEmpty ? others : others + ["--"] + numbers
    }
}
