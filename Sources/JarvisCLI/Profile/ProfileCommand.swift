import ArgumentParser

/// `jarvis profile`.
struct ProfileCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profile",
        abstract: "Make, copy, rename, export, import and remove gateways of this host.",
        discussion: """
            A profile is the name of a gateway: its configuration, state directory, workspace and ports. Names mean \
            the profiles of this home, whatever JARVIS_STATE_DIR says. Every command does all or nothing: killed at \
            any moment it leaves the old or the new.

            Examples:
              jarvis profile list
              jarvis profile create rescue
              jarvis profile clone default test --dry-run
              jarvis profile rm test

            Exit codes: 0 done; 1 can't be read or written; 2 wrong usage, a name that is taken, unknown or not allowed,
              or a gateway that runs.
            """,
        subcommands: [
            ProfileListCommand.self, ProfileCreateCommand.self, ProfileCloneCommand.self, ProfileRenameCommand.self,
            ProfileExportCommand.self, ProfileImportCommand.self, ProfileRemoveCommand.self, ProfileTrashCommand.self,
        ])
}
