import ArgumentParser

/// `jarvis browser`: the browsers of one gateway.
struct BrowserCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "browser",
        abstract: "See and steer the browsers of a gateway.",
        discussion: """
            Every command asks the running gateway of this profile. --browser-profile (which browser), --json, \
            --timeout and --url with --token may stand before or behind the command.

            Elements are named by refs such as e12, which “snapshot” gives; a ref lives until the next snapshot. \
            A text that begins with - goes behind --.

            Examples:
              jarvis browser status
              jarvis browser open https://example.com
              jarvis browser snapshot
              jarvis browser click e12
              jarvis browser --browser-profile work tabs
              jarvis --profile rescue browser status

            Exit codes: 0 done; 1 refused, failed, or the gateway is not running; 2 wrong usage.
            """,
        subcommands: [
            BrowserStatusCommand.self, BrowserStartCommand.self, BrowserStopCommand.self, BrowserResetCommand.self,
            BrowserProfilesCommand.self, BrowserCreateProfileCommand.self, BrowserDeleteProfileCommand.self,
            BrowserTabsCommand.self, BrowserTabCommand.self, BrowserOpenCommand.self, BrowserFocusCommand.self,
            BrowserCloseCommand.self, BrowserNavigateCommand.self, BrowserSnapshotCommand.self,
            BrowserScreenshotCommand.self, BrowserPDFCommand.self, BrowserHighlightCommand.self,
            BrowserClickCommand.self, BrowserTypeCommand.self, BrowserPressCommand.self, BrowserHoverCommand.self,
            BrowserScrollCommand.self, BrowserDragCommand.self, BrowserSelectCommand.self, BrowserFillCommand.self,
            BrowserResizeCommand.self, BrowserWaitCommand.self, BrowserEvaluateCommand.self,
            BrowserUploadCommand.self, BrowserDialogCommand.self, BrowserDownloadCommand.self,
            BrowserWaitDownloadCommand.self, BrowserConsoleCommand.self, BrowserErrorsCommand.self,
            BrowserRequestsCommand.self, BrowserResponseBodyCommand.self, BrowserCookiesCommand.self,
            BrowserStorageCommand.self, BrowserSetCommand.self, BrowserTraceCommand.self,
            BrowserExtensionCommand.self,
        ])
}
