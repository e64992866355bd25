import JarvisCore

extension BrowserRoutes {
    static let emulation: [BrowserRoute] = [
        BrowserRoute("POST", "/set/offline", "Takes a tab off the network, or back.") { call in
            let offline = try call.flag("offline", required: true) ?? false
            return try await emulate(call) { page in try await page.setOffline(offline) }
        },
        BrowserRoute("POST", "/set/headers", "Sends further headers with every request of a tab; {} ends it.") { call in
            let headers = try EmulationInput.headers(call["headers"])
            return try await emulate(call) { page in try await page.setHeaders(headers) }
        },
        BrowserRoute("POST", "/set/credentials", "Answers servers that ask for user name and password.") { call in
            let credentials = try EmulationInput.credentials(call)
            let origin = try call.optionalText("origin").map { try EmulationInput.origin($0) }
            return try await emulate(call) { page in try await page.setCredentials(credentials, origin: origin) }
        },
        BrowserRoute("POST", "/set/geolocation", "Says where the tab is, and lets its site know.") { call in
            let place = try EmulationInput.place(call)
            let origin = try call.optionalText("origin").map { try EmulationInput.origin($0) }
            return try await emulate(call) { page in try await page.setGeolocation(place, origin: origin) }
        },
        BrowserRoute("POST", "/set/media", "Sets the preferred colour scheme.") { call in
            let scheme = try EmulationInput.colorScheme(call["colorScheme"])
            return try await emulate(call) { page in try await page.setColorScheme(scheme) }
        },
        BrowserRoute("POST", "/set/timezone", "Sets the time zone of a tab.") { call in
            let zone = try call.anyText("timezoneId")
            return try await emulate(call) { page in try await page.setTimezone(zone) }
        },
        BrowserRoute("POST", "/set/locale", "Sets the language and the formats of a tab.") { call in
            let locale = try EmulationInput.locale(try call.anyText("locale"))
            return try await emulate(call) { page in try await page.setLocale(locale) }
        },
        BrowserRoute("POST", "/set/device", "Makes a tab look like a phone, a tablet or a desktop.") { call in
            let device = try EmulationDevice.named(try call.text("name"))
            return try await emulate(call) { page in try await page.setDevice(device) }
        },
    ]

    private static func emulate(
        _ call: BrowserCall, _ body: @Sendable (Page) async throws -> Void
    ) async throws -> JSONValue {
        let page = try await call.page()
        try await body(page)
        return ["ok": true, "targetId": .string(page.targetId)]
    }
}

/// What requests for emulation say, checked before anything is sent to the browser.
enum EmulationInput {
    static func invalid(_ message: String) -> BrowserError { BrowserError(400, "invalid_argument", message) }

    static func headers(_ value: JSONValue?) throws -> [String: String] {
        guard let members = value?.objectValue else {
            throw invalid(
                "headers is required: an object of names and texts, such as {\"X-Name\": \"value\"}; {} ends it.")
        }
        guard members.count <= 100 else { throw invalid("headers may have 100 entries at most.") }
        var headers: [String: String] = [:]
        for (name, value) in members {
            guard !name.isEmpty, name.utf8.allSatisfy(isTokenByte) else {
                throw invalid("\"\(name.prefix(60))\" is no name of a header.")
            }
            guard let text = value.stringValue, text.utf8.count <= 8192,
                text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 9 })
            else { throw invalid("The header \(name.prefix(60)) must be a text of one line.") }
            let lower = name.lowercased()
            guard !["host", "content-length", "transfer-encoding", "connection", "upgrade"].contains(lower),
                !lower.hasPrefix("proxy-"), !lower.hasPrefix("sec-")
            else { throw invalid("The header \(name.prefix(60)) is the browser's own and can't be set.") }
            headers[name] = text
        }
        return headers
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F && !#""(),/:;<=>?@[\]{}"#.utf8.contains(byte)
    }

    /// Nil: no longer.
    static func credentials(_ call: BrowserCall) throws -> HTTPCredentials? {
        if try call.flag("clear") == true { return nil }
        guard let user = call["username"]?.stringValue, let password = call["password"]?.stringValue else {
            throw invalid("username and password are required and must be texts, or \"clear\": true.")
        }
        guard user.utf8.count <= 1024, password.utf8.count <= 1024 else {
            throw invalid("username and password may have 1024 bytes at most.")
        }
        return HTTPCredentials(user: user, password: password)
    }

    /// Nil: no longer.
    static func place(_ call: BrowserCall) throws -> GeoPlace? {
        if try call.flag("clear") == true { return nil }
        let latitude = try call.number("latitude", in: -90...90)
        let longitude = try call.number("longitude", in: -180...180)
        let accuracy = try call.number("accuracy", in: 0...1_000_000, required: false) ?? 1
        guard let latitude, let longitude else { throw invalid("latitude and longitude are required.") }
        return GeoPlace(latitude: latitude, longitude: longitude, accuracy: accuracy)
    }

    static func origin(_ text: String) throws -> String {
        guard let origin = Page.shownOrigin(of: text) else {
            throw invalid("origin \"\(text.prefix(100))\" must be a site such as https://example.com.")
        }
        return origin
    }

    /// Empty: the browser's own.
    static func colorScheme(_ value: JSONValue?) throws -> String {
        switch value {
        case "dark", "light", "no-preference": value?.stringValue ?? ""
        case "none", .null?: ""
        default:
            let found = value.map { $0.stringValue.map { "\"\($0.prefix(40))\"" } ?? $0.kindName } ?? "missing"
            throw invalid("colorScheme is \(found); it must be dark, light, no-preference or none.")
        }
    }

    /// Empty: the browser's own.
    static func locale(_ text: String) throws -> String {
        guard text.utf8.count <= 64,
            text.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "-_".contains($0)) })
        else { throw invalid("locale \"\(text.prefix(60))\" must be a language tag such as de-DE.") }
        return text.replacing("_", with: "-")
    }
}

/// A user name and a password for servers that ask. Prints neither.
package struct HTTPCredentials: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
    var user: String
    var password: String
    /// Nothing to see.
    package var description: String { "credentials" }
    /// Nothing to see.
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// A place on earth.
struct GeoPlace: Sendable, Hashable {
    /// Degrees.
    var latitude: Double
    /// Degrees.
    var longitude: Double
    /// Metres.
    var accuracy: Double
}

extension BrowserCall {
    /// True, false, or nil when it is absent.
    ///
    /// - Throws: `BrowserError` 400 `invalid_input`.
    func flag(_ name: String, required: Bool = false) throws -> Bool? {
        switch self[name] {
        case nil, .null?:
            if required { throw EmulationInput.invalid("\(name) is required: true or false.") }
            return nil
        case .bool(let flag)?: return flag
        case "true"?, "1"?: return true
        case "false"?, "0"?: return false
        default: throw EmulationInput.invalid("\(name) must be true or false.")
        }
    }

    /// A number, or nil when it is absent and not required.
    ///
    /// - Throws: `BrowserError` 400 `invalid_input`.
    func number(_ name: String, in range: ClosedRange<Double>, required: Bool = true) throws -> Double? {
        guard let value = self[name], value != .null else {
            if required { throw EmulationInput.invalid("\(name) is required: a number.") }
            return nil
        }
        guard let number = value.doubleValue ?? value.stringValue.flatMap({ Double($0) }), range.contains(number) else {
            throw EmulationInput.invalid("\(name) must be a number from \(range.lowerBound) to \(range.upperBound).")
        }
        return number
    }

    /// A text that may be empty.
    ///
    /// - Throws: `BrowserError` 400 `invalid_input` when it is absent.
    func anyText(_ name: String) throws -> String {
        guard let text = self[name]?.stringValue else {
            throw EmulationInput.invalid("\(name) is required and must be a text; an empty one ends the emulation.")
        }
        return text
    }

    /// A text, or nil when it is absent or empty.
    ///
    /// - Throws: `BrowserError` 400 `invalid_input`.
    func optionalText(_ name: String) throws -> String? {
        guard let value = self[name], value != .null else { return nil }
        guard let text = value.stringValue else { throw EmulationInput.invalid("\(name) must be a text.") }
        return text.isEmpty ? nil : text
    }
}
