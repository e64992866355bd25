import JarvisCore

/// The options that belong to the whole program, taken out of the command line before the command parser sees it:
/// `--profile x`, `--profile=x`, `--dev`, `--log-level x`, `--no-color`, before and after the subcommand.
///
/// Nothing is taken after `--`, nothing that a subcommand declares as its own, and never the value of an option whose
/// value is free text.
package struct GlobalArguments: Sendable, Hashable {
    /// The profile flags.
    package var selection = ProfileSelection()
    /// `--log-level`, checked; nil when absent.
    package var logLevel: LogThreshold?
    /// Whether `--no-color` was there.
    package var noColor = false
    /// The other arguments, in order, for the command parser.
    package var remaining: [String] = []

    /// Arguments without any of the program's own options.
    package init(remaining: [String] = []) { self.remaining = remaining }

    /// What subcommands own.
    package struct Grammar: Sendable {
        /// Options that mean something else after a subcommand, by the words of the subcommand joined with a blank:
        /// `["gateway": ["--dev"]]` covers `gateway --dev` and `gateway run --dev`.
        package var owned: [String: Set<String>]
        /// Options whose next argument is free text and is handed through unseen, such as `-m`.
        package var freeText: Set<String>

        /// A grammar; by default nothing is owned and `-m` and `--message` take free text.
        package init(owned: [String: Set<String>] = [:], freeText: Set<String> = ["-m", "--message"]) {
            self.owned = owned
            self.freeText = freeText
        }

        fileprivate func owns(_ option: String, after words: [String]) -> Bool {
            words.indices.contains { owned[words[...$0].joined(separator: " ")]?.contains(option) == true }
        }
    }

    /// Scans `arguments` (without the program's name).
    ///
    /// - Throws: `usage.value` for a missing or malformed value, `usage.conflict` for two occurrences that disagree,
    /// and
    ///   the errors of `ProfileName.parse`; all exit 2.
    package static func scan(_ arguments: [String], grammar: Grammar = Grammar()) throws(JarvisError) -> GlobalArguments
    {
        // Shell completion asks about a command line; it does not run one.
        if arguments.first?.hasPrefix("---") == true { return GlobalArguments(remaining: arguments) }
        var result = GlobalArguments()
        var words: [String] = []
        var level: String?
        var index = 0
        while index < arguments.count {
            let argument = arguments[index]
            index += 1
            if argument == "--" {
                result.remaining.append(contentsOf: arguments[(index - 1)...])
                break
            }
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let option = String(parts.first ?? "")
            let inline = parts.count == 2 ? String(parts[1]) : nil
            guard argument.hasPrefix("-"), !grammar.owns(option, after: words) else {
                if !argument.hasPrefix("-") { words.append(argument) }
                result.remaining.append(argument)
                continue
            }
            switch option {
            case "--profile":
                let value = try value(of: option, inline, arguments, &index)
                result.selection.flag = try agree(option, result.selection.flag, value)
            case "--log-level":
                let value = try value(of: option, inline, arguments, &index)
                level = try agree(option, level, value)
            case "--dev" where inline == nil: result.selection.dev = true
            case "--no-color" where inline == nil: result.noColor = true
            default:
                result.remaining.append(argument)
                if grammar.freeText.contains(argument), index < arguments.count {
                    result.remaining.append(arguments[index])
                    index += 1
                }
            }
        }
        _ = try result.selection.choice()
        result.logLevel = try level.map { text throws(JarvisError) in try threshold(text, source: "--log-level") }
        return result
    }

    /// Reads a log level from `source`.
    ///
    /// - Throws: `usage.value`, exit 2, naming the levels.
    package static func threshold(_ text: String, source: String) throws(JarvisError) -> LogThreshold {
        if let threshold = LogThreshold(text) { return threshold }
        let levels = LogThreshold.allCases.map(\.rawValue).joined(separator: ", ")
        throw JarvisError(
            "usage.value", "\(source): “\(text.prefix(40))” is no log level.", hint: "Use one of \(levels).",
            exitCode: 2)
    }

    private static func value(
        of option: String, _ inline: String?, _ arguments: [String], _ index: inout Int
    ) throws(JarvisError) -> String {
        if let inline, !inline.isEmpty { return inline }
        if inline == nil, index < arguments.count, !arguments[index].isEmpty, !arguments[index].hasPrefix("-") {
            index += 1
            return arguments[index - 1]
        }
        let example = option == "--profile" ? "rescue" : "debug"
        throw JarvisError(
            "usage.value", "\(option) requires a value.", hint: "For example \(option) \(example).", exitCode: 2)
    }

    private static func agree(_ option: String, _ first: String?, _ second: String) throws(JarvisError) -> String {
        guard let first, first.lowercased() != second.lowercased() else { return first ?? second }
        throw JarvisError(
            "usage.conflict", "\(option) is given twice: “\(first.prefix(80))” and “\(second.prefix(80))”.",
            hint: "Leave one of the two away.", metadata: ["first": first, "second": second], exitCode: 2)
    }
}
