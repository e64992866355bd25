/// The commands that messages name, as who reads them must type them: for a gateway that is not the default one, and a
/// browser profile that is not the default one, they have to say which.
package struct CommandWords: Sendable, Hashable {
    /// Those of the request that is being answered.
    @TaskLocal package static var current = CommandWords()

    /// The program with the gateway's profile, such as `jarvis --profile rescue`.
    package var gateway = "jarvis"
    /// The browser profile; nil: the default one.
    package var browserProfile: String?

    /// Those of the default gateway and browser profile.
    package init() {}

    /// `jarvis browser REST`, for the browser profile of the request.
    package func browser(_ rest: String) -> String {
        "\(gateway) browser\(browserProfile.map { " --browser-profile \($0)" } ?? "") \(rest)"
    }

    /// `jarvis config REST`.
    package func config(_ rest: String) -> String { "\(gateway) config \(rest)" }
}
