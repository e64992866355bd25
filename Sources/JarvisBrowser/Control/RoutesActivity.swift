import JarvisCore

extension BrowserRoutes {
    static let activity: [BrowserRoute] = [
        BrowserRoute("GET", "/console", "What a page has written to its console, from a level on.") { call in
            let level = try level(call["level"])
            let page = try await call.page()
            let clears = try call.isSet("clear")
            let ring = page.state.change { state in
                defer { if clears { state.activity.clearMessages() } }
                return state.activity.messages
            }
            let messages = ring.elements.filter { $0.severity >= level }.map(\.listed)
            return listing(page, "messages", messages, dropped: ring.dropped)
        },
        BrowserRoute("GET", "/errors", "Errors of a page that nobody caught, and what JARVIS noticed.") { call in
            let page = try await call.page()
            let clears = try call.isSet("clear")
            let ring = page.state.change { state in
                defer { if clears { state.activity.clearProblems() } }
                return state.activity.problems
            }
            return listing(page, "errors", ring.elements.map(\.listed), dropped: ring.dropped)
        },
        BrowserRoute("GET", "/requests", "What a page has asked the network for.") { call in
            let filter = AddressPattern(call["filter"]?.stringValue ?? "")
            let page = try await call.page()
            let clears = try call.isSet("clear")
            let ring = page.state.change { state in
                defer { if clears { state.traffic.clear() } }
                return state.traffic.recent
            }
            let requests = ring.elements.filter { filter.matches($0.url) }.map(\.listed)
            return listing(page, "requests", requests, dropped: ring.dropped)
        },
        BrowserRoute("POST", "/response/body", "The body of a response, waited for if need be.") { call in
            let pattern = try call.text("url")
            let limit = try call.count("maxChars", default: 200_000, in: 1...1_000_000)
            let time = try call.timeout(default: .seconds(20))
            let next = try call.isSet("next")
            let page = try await call.page()
            let response = try await page.responseBody(
                AddressPattern(pattern), shown: pattern, next: next, limit: limit, within: time)
            return ["ok": true, "targetId": .string(page.targetId), "response": response]
        },
    ]

    private static func level(_ value: JSONValue?) throws -> PageActivity.Severity {
        guard let value, value != .null else { return .debug }
        guard let level = value.stringValue.flatMap({ PageActivity.Severity(level: $0) }) else {
            let found = value.stringValue.map { "\"\($0.prefix(40))\"" } ?? value.kindName
            throw BrowserError.argument("level is \(found); it must be debug, info, warning or error.")
        }
        return level
    }

    private static func listing(_ page: Page, _ name: String, _ entries: [JSONValue], dropped: Int) -> JSONValue {
        var reply: JSONValue = ["ok": true, "targetId": .string(page.targetId), "url": .string(page.url)]
        reply[name] = .array(entries)
        if dropped > 0 { reply["dropped"] = JSONValue(dropped) }
        return reply
    }
}
