import JarvisCore

extension BrowserRoutes {
    static let navigation: [BrowserRoute] = [
        BrowserRoute("POST", "/navigate", "Sends a tab to an address; starts the browser when needed.") { call in
            let url = try call.text("url")
            let options = try NavigationOptions(call)
            let session = try await call.session(starting: true)
            try await session.rules.policy.check(url)
            let target = try call.target
            let page = session.pages.isEmpty && target == nil ? try await session.openTab() : try session.page(target)
            await page.becomeReady()
            let outcome = try await options.navigate(page, to: url)
            return outcome.reply(page, ["ok": true, "targetId": .string(page.targetId)])
        }
    ]
}

/// What a request says about how to navigate.
struct NavigationOptions: Sendable {
    var timeout = Duration.seconds(20)
    var ignoringCertificateErrors: Bool?

    init(_ call: BrowserCall) throws {
        timeout = try call.timeout(default: .seconds(20))
        ignoringCertificateErrors = try ArgumentReader(call).flag("ignoreHTTPSErrors")
    }

    func navigate(_ page: Page, to url: String) async throws -> NavigationOutcome {
        try await page.navigate(to: url, timeout: timeout, ignoringCertificateErrors: ignoringCertificateErrors)
    }
}

extension NavigationOutcome {
    /// Adds what became of it to `base`.
    func reply(_ page: Page, _ base: JSONValue) -> JSONValue {
        var reply = base
        reply["url"] = .string(url)
        reply["title"] = .string(page.title)
        if let status { reply["status"] = JSONValue(status) }
        if let reached { reply["loadState"] = .string(reached.word) }
        if timedOut {
            reply["timedOut"] = true
            reply["note"] = "The page did not finish loading in time; loading was stopped and the tab can be used."
        }
        if isDownload {
            reply["download"] = true
            reply["note"] = "The address is a download: get the file with POST /wait/download."
        }
        return reply
    }
}
