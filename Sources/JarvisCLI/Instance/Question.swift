import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Plain questions line by line: works over any connection, on any screen.
enum Question {
    /// The person ended the input.
    struct Ended: Error {}

    /// Asks until `check` accepts; an empty answer takes `fallback`.
    static func ask<T>(_ text: String, fallback: String? = nil, _ check: (String) throws -> T) throws -> T {
        while true {
            Terminal.write("\(text)\(fallback.map { " [\($0)]" } ?? ""): ")
            guard let line = readLine() else { throw Ended() }
            let typed = Self.trimmed(line)
            do {
                return try check(typed.isEmpty ? fallback ?? "" : typed)
            } catch {
                let failure = Failure(error)
                Terminal.write("  \(failure.message)\(failure.hint.map { "\n  → \($0)" } ?? "")\n")
            }
        }
    }

    /// A number of the list.
    static func choose(_ text: String, _ options: [String]) throws -> Int {
        Terminal.write(text + "\n")
        for (index, option) in options.enumerated() { Terminal.write("  \(index + 1)  \(option)\n") }
        return try ask("Number", fallback: "1") { answer in
            guard let number = Int(answer), options.indices.contains(number - 1) else {
                throw JarvisError("onboard.answer", "expected 1 to \(options.count)")
            }
            return number - 1
        }
    }

    /// Yes or no.
    static func confirm(_ text: String, fallback: Bool) throws -> Bool {
        try ask("\(text) (y/n)", fallback: fallback ? "y" : "n") { answer in
            switch answer.lowercased() {
            case "y", "yes": return true
            case "n", "no": return false
            default: throw JarvisError("onboard.answer", "expected y or n")
            }
        }
    }

    /// A secret: what is typed is not shown.
    static func secret(_ text: String) throws -> String {
        var settings = termios()
        let isTerminal = tcgetattr(STDIN_FILENO, &settings) == 0
        let old = settings
        if isTerminal {
            settings.c_lflag &= ~tcflag_t(ECHO)
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings)
        }
        // Only now: whoever sees the question may type at once.
        Terminal.write("\(text): ")
        defer {
            if isTerminal {
                var old = old
                tcsetattr(STDIN_FILENO, TCSANOW, &old)
                Terminal.write("\n")
            }
        }
        guard let line = readLine() else { throw Ended() }
        return trimmed(line)
    }

    static func trimmed(_ text: String) -> String {
        var rest = Substring(text)
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return String(rest)
    }
}
