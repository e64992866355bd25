import JarvisCore

/// What a tab pretends, as far as one command depends on several settings.
struct EmulationState: Sendable {
    /// The browser's own user agent, asked for once.
    var ownAgent: String?
    var locale = ""
    var device: EmulationDevice?
    /// The origin that was allowed to see the emulated place; nil: every one.
    var placeOrigin: String?
    var hasPlace = false
}

// The settings hold for the tab until they are changed: through navigations, and for the processes of frames that come
// later (`sendEverywhere` repeats the command for those).
extension Page {
    /// Takes the tab off the network, or back.
    func setOffline(_ offline: Bool) async throws {
        try await sendEverywhere(
            "Network.emulateNetworkConditions",
            ["offline": .bool(offline), "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1],
            remember: offline ? "offline" : nil)
        if !offline { forget("offline") }
    }

    /// Sends `headers` with every request; an empty list ends it.
    func setHeaders(_ headers: [String: String]) async throws {
        var members: JSONValue = [:]
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) { members[name] = .string(value) }
        try await sendEverywhere(
            "Network.setExtraHTTPHeaders", ["headers": members], remember: headers.isEmpty ? nil : "headers")
        if headers.isEmpty { forget("headers") }
    }

    /// Says where the tab is; nil: nowhere in particular.
    ///
    /// - Parameter origin: the site that may know without asking; nil: the one that the tab shows.
    func setGeolocation(_ place: GeoPlace?, origin: String?) async throws {
        guard let place else {
            try await sendEverywhere("Emulation.clearGeolocationOverride", remember: nil)
            forget("place")
            let (had, origin) = emulation.withLock { state in
                defer { state.hasPlace = false }
                return (state.hasPlace, state.placeOrigin)
            }
            if had { try await allowPlace("prompt", origin: origin) }
            return
        }
        let origin = origin ?? Self.shownOrigin(of: url)
        try await sendEverywhere(
            "Emulation.setGeolocationOverride",
            [
                "latitude": .double(place.latitude), "longitude": .double(place.longitude),
                "accuracy": .double(place.accuracy),
            ], remember: "place")
        try await allowPlace("granted", origin: origin)
        emulation.withLock { state in
            state.hasPlace = true
            state.placeOrigin = origin
        }
    }

    private func allowPlace(_ setting: String, origin: String?) async throws {
        var params: JSONValue = ["permission": ["name": "geolocation"], "setting": .string(setting)]
        if let origin { params["origin"] = .string(origin) }
        _ = try await session.send("Browser.setPermission", params)
    }

    static func shownOrigin(of url: String) -> String? {
        guard case .web(let address)? = try? NavigationAddress(url) else { return nil }  // about:blank has none
        return address.origin
    }

    /// Sets the preferred colour scheme; empty: the browser's own.
    func setColorScheme(_ scheme: String) async throws {
        try await sendEverywhere(
            "Emulation.setEmulatedMedia",
            ["features": [["name": "prefers-color-scheme", "value": .string(scheme)]]],
            remember: scheme.isEmpty ? nil : "media")
        if scheme.isEmpty { forget("media") }
    }

    /// Sets the time zone; empty: the host's.
    func setTimezone(_ zone: String) async throws {
        guard zone.utf8.count <= 64 else { throw EmulationInput.invalid("timezoneId is too long.") }
        do {
            // While one is in force, the browser ignores a name that it doesn't know, without a word.
            try await sendEverywhere("Emulation.setTimezoneOverride", ["timezoneId": ""], remember: nil)
            forget("zone")
            if !zone.isEmpty {
                try await sendEverywhere(
                    "Emulation.setTimezoneOverride", ["timezoneId": .string(zone)], remember: "zone")
            }
        } catch let error as BrowserError where error.message.contains("nvalid timezone") {
            forget("zone")
            throw EmulationInput.invalid("timezoneId \"\(zone)\" is no time zone; write one such as Europe/Berlin.")
        }
    }

    /// Sets language and formats; empty: the browser's own.
    func setLocale(_ locale: String) async throws {
        do {
            // One that is in force must be ended before another can begin.
            try await sendEverywhere("Emulation.setLocaleOverride", [:], remember: nil)
            forget("locale")
            if !locale.isEmpty {
                try await sendEverywhere(
                    "Emulation.setLocaleOverride", ["locale": .string(locale.replacing("-", with: "_"))],
                    remember: "locale")
            }
        } catch let error as BrowserError where error.message.contains("nvalid locale") {
            forget("locale")
            throw EmulationInput.invalid("locale \"\(locale)\" is no language tag that the browser knows; write de-DE.")
        }
        emulation.withLock { $0.locale = locale }
        try await sendUserAgent()
    }

    /// Makes the tab look like a device; nil: like itself.
    func setDevice(_ device: EmulationDevice?) async throws {
        emulation.withLock { $0.device = device }
        if let device {
            let isWide = device.width > device.height
            try await sendEverywhere(
                "Emulation.setDeviceMetricsOverride",
                [
                    "width": JSONValue(device.width), "height": JSONValue(device.height),
                    "deviceScaleFactor": .double(device.scale), "mobile": .bool(device.isMobile),
                    "screenWidth": JSONValue(device.width), "screenHeight": JSONValue(device.height),
                    "screenOrientation": isWide
                        ? ["type": "landscapePrimary", "angle": 90] : ["type": "portraitPrimary", "angle": 0],
                ], remember: "viewport")
        } else {
            try await sendEverywhere("Emulation.clearDeviceMetricsOverride", remember: nil)
            forget("viewport")
        }
        let touches = device?.isMobile == true
        try await sendEverywhere(
            "Emulation.setTouchEmulationEnabled",
            touches ? ["enabled": true, "maxTouchPoints": 5] : ["enabled": false], remember: touches ? "touch" : nil)
        if !touches { forget("touch") }
        try await sendUserAgent()
    }

    // Language and device share a command.
    private func sendUserAgent() async throws {
        let own: String
        if let known = emulation.withLock({ $0.ownAgent }) {
            own = known
        } else {
            own = try await session.send("Browser.getVersion")["userAgent"]?.stringValue ?? ""
            emulation.withLock { $0.ownAgent = own }
        }
        let (locale, device) = emulation.withLock { ($0.locale, $0.device) }
        let agent = device?.userAgent(own: own)
        var params: JSONValue = ["userAgent": .string(agent ?? (locale.isEmpty ? "" : own))]
        if !locale.isEmpty { params["acceptLanguage"] = .string(locale) }
        if agent != nil, let platform = device?.platform { params["platform"] = .string(platform) }
        let isOwn = agent == nil && locale.isEmpty
        try await sendEverywhere("Emulation.setUserAgentOverride", params, remember: isOwn ? nil : "agent")
        if isOwn { forget("agent") }
    }
}

extension WebAddress {
    /// Scheme, host and port, as browsers spell it.
    var origin: String {
        let standard = scheme == "https" ? 443 : 80
        return "\(scheme)://" + (host.contains(":") ? "[\(host)]" : host) + (port == standard ? "" : ":\(port)")
    }
}
