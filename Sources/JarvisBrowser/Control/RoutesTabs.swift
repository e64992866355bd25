import JarvisCore

extension BrowserRoutes {
    static let tabs: [BrowserRoute] = [
        BrowserRoute("GET", "/tabs", "Lists the tabs.") { call in
            guard let session = try await runningSession(call) else { return ["running": false, "tabs": []] }
            await session.refreshTitles()
            return ["running": true, "tabs": .array(session.pages.map(\.listed))]
        },
        BrowserRoute("POST", "/tabs/open", "Opens an address in a new tab; starts the browser when needed.") { call in
            let url = try call.text("url")
            let options = try NavigationOptions(call)
            let session = try await call.session(starting: true)
            // Judged before there is a tab, so that a blocked address leaves none behind.
            try await session.rules.policy.check(url)
            let page = try await session.openTab()
            do {
                let outcome = try await options.navigate(page, to: url)
                return outcome.reply(page, page.listed)
            } catch let error as BrowserError {
                // A tab whose page did not open is of no use to anybody.
                await session.abandon(page)
                throw error
            }
        },
        BrowserRoute("POST", "/tabs/focus", "Brings a tab to the front and makes it the current one.") { call in
            _ = try call.text("targetId")
            let page = try await call.page()
            try await page.session.focus(page)
            return ["ok": true, "targetId": .string(page.targetId)]
        },
        BrowserRoute("DELETE", "/tabs/:targetId", "Closes a tab.") { call in
            let session = try await call.session()
            try await session.close(try session.page(call.parameters["targetId"]))
            return ["ok": true]
        },
        BrowserRoute("POST", "/tabs/action", "Lists, opens, closes or selects tabs by their place in the list.") {
            call in
            try await tabsAction(call)
        },
    ]

    // A browser that does not run has no tabs; that is no error.
    private static func runningSession(_ call: BrowserCall) async throws -> BrowserSession? {
        do {
            return try await call.session()
        } catch let error as BrowserError where error.code == "not_running" {
            return nil
        }
    }

    private static func tabsAction(_ call: BrowserCall) async throws -> JSONValue {
        let action = try call.text("action")
        switch action {
        case "list":
            let session = try await runningSession(call)
            await session?.refreshTitles()
            return ["ok": true, "tabs": .array((session?.pages ?? []).map(\.listed))]
        case "new":
            let page = try await call.session(starting: true).openTab()
            return ["ok": true, "targetId": .string(page.targetId), "tab": page.listed]
        case "close", "select":
            let session = try await call.session()
            let page = try page(at: call["index"], in: session)
            if action == "close" { try await session.close(page) } else { try await session.focus(page) }
            return ["ok": true, "targetId": .string(page.targetId)]
        default:
            throw BrowserError(
                400, "invalid_action", "action must be list, new, close or select, not \"\(action.prefix(40))\".")
        }
    }

    private static func page(at index: JSONValue?, in session: BrowserSession) throws -> Page {
        guard let index, index != .null else { return try session.page(nil) }
        let pages = session.pages
        guard let number = index.intValue ?? index.stringValue.flatMap({ Int($0) }) else {
            throw BrowserError.argument("index must be a whole number, the place of a tab in the list: see GET /tabs.")
        }
        guard pages.indices.contains(number) else {
            let count = pages.count == 1 ? "The list has 1 tab" : "The list has \(pages.count) tabs"
            throw BrowserError(404, "unknown_tab", "\(count) and none at that place: see GET /tabs.")
        }
        return pages[number]
    }
}

extension Page {
    /// The tab as the lists of the control interface show it.
    package var listed: JSONValue {
        .members([
            "targetId": .string(targetId), "title": .string(title), "url": .string(url), "type": "page",
            "openerId": opener.map { .string($0) }, "dialog": dialog?.listed,
            "crashed": hasCrashed ? true : nil,
        ])
    }
}
