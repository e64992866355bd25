import JarvisCore

/// Which profile the command line asked for.
package struct ProfileSelection: Sendable, Hashable {
    /// The value of `--profile` as it was written; nil when the flag was absent.
    package var flag: String?
    /// Whether `--dev` was there: short for `--profile dev`.
    package var dev: Bool

    /// A selection; by default the command line said nothing.
    package init(flag: String? = nil, dev: Bool = false) {
        self.flag = flag
        self.dev = dev
    }

    /// What an explicit choice names.
    package enum Choice: Sendable, Hashable {
        /// Neither flag was there.
        case none
        /// The default instance was asked for by name (`--profile default`).
        case defaultInstance
        /// This profile was asked for.
        case named(ProfileName)
    }

    /// Reads the flags.
    ///
    /// - Throws: `profile.invalid`, `profile.reserved`, or `usage.conflict` for `--dev` with another profile; exit 2.
    package func choice() throws(JarvisError) -> Choice {
        let named = try flag.map { text throws(JarvisError) in try ProfileName.parse(text, source: "--profile") }
        if dev {
            guard let flag, named??.text != "dev" else {
                guard let name = try ProfileName.parse("dev", source: "--dev") else { return .defaultInstance }
                return .named(name)
            }
            throw JarvisError(
                "usage.conflict", "--dev means --profile dev and can't be combined with --profile \(flag).",
                hint: "Leave one of the two away.", metadata: ["profile": flag], exitCode: 2)
        }
        guard let named else { return .none }
        return named.map(Choice.named) ?? .defaultInstance
    }

    /// The flag as an error message spells it: `--dev` or `--profile rescue`.
    package var spelling: String { dev && flag == nil ? "--dev" : "--profile \(flag ?? "default")" }
}
