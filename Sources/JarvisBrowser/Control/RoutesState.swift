import JarvisCore

extension BrowserRoutes {
    static let state: [BrowserRoute] = [
        BrowserRoute("GET", "/cookies", "Lists the browser's cookies.") { call in
            let arguments = ArgumentReader(call)
            let page = try await call.page()
            let cookies = try await page.cookies(url: try arguments.text("url"), name: try arguments.text("name"))
            var reply: JSONValue = [
                "ok": true, "targetId": .string(page.targetId), "cookies": .array(Array(cookies.prefix(mostCookies))),
            ]
            if cookies.count > mostCookies {
                reply["truncated"] = true
                reply["total"] = JSONValue(cookies.count)
            }
            return reply
        },
        BrowserRoute("POST", "/cookies/set", "Sets a cookie.") { call in
            let cookie = try CookieInput.cookie(call["cookie"])
            let page = try await call.page()
            try await page.setCookie(cookie)
            return ["ok": true, "targetId": .string(page.targetId)]
        },
        BrowserRoute("POST", "/cookies/clear", "Deletes all cookies, or those of a name or a domain.") { call in
            let arguments = ArgumentReader(call)
            let (name, domain) = (try arguments.text("name"), try arguments.text("domain"))
            let page = try await call.page()
            let count = try await page.clearCookies(name: name, domain: domain)
            return ["ok": true, "targetId": .string(page.targetId), "cleared": JSONValue(count)]
        },
        BrowserRoute("GET", "/storage/:kind", "Reads the local or session storage of a page's site.") { call in
            let kind = try storageKind(call)
            let key = try ArgumentReader(call).raw("key")
            return try await storage(call) { page, frame in
                try await page.storage(kind, key: key, frame: frame)
            }
        },
        BrowserRoute("POST", "/storage/:kind/set", "Writes an entry of the local or session storage.") { call in
            let kind = try storageKind(call)
            let arguments = ArgumentReader(call)
            guard let key = try arguments.raw("key") else { throw BrowserError.argument("key is missing: a text.") }
            guard let value = try arguments.raw("value") else {
                throw BrowserError.argument("value is missing: a text.")
            }
            return try await storage(call) { page, frame in
                try await page.setStorage(kind, key: key, value: value, frame: frame)
            }
        },
        BrowserRoute("POST", "/storage/:kind/clear", "Empties the local or session storage, or removes one entry.") {
            call in
            let kind = try storageKind(call)
            let key = try ArgumentReader(call).raw("key")
            return try await storage(call) { page, frame in
                try await page.clearStorage(kind, key: key, frame: frame)
            }
        },
    ]

    private static let mostCookies = 1000

    private static func storageKind(_ call: BrowserCall) throws -> StorageKind {
        let word = call.parameters["kind"] ?? ""
        guard let kind = StorageKind(rawValue: word) else {
            throw BrowserError.argument("The kind of storage is \"\(word.prefix(40))\"; it must be local or session.")
        }
        return kind
    }

    private static func storage(
        _ call: BrowserCall, _ body: @Sendable (Page, String?) async throws -> JSONValue
    ) async throws -> JSONValue {
        let wanted = try ArgumentReader(call).text("frame")
        let page = try await call.page()
        var reply: JSONValue = ["ok": true, "targetId": .string(page.targetId)]
        let more = try await body(page, try page.frame(naming: wanted))
        for (name, value) in more.objectValue ?? [:] { reply[name] = value }
        return reply
    }
}

/// Which storage.
enum StorageKind: String, Sendable {
    case local
    case session
}

/// What a request says about a cookie.
enum CookieInput {
    /// The parameters of one cookie for the browser, checked.
    static func cookie(_ value: JSONValue?) throws -> JSONValue {
        guard let given = value?.objectValue.map({ JSONValue.object($0) }) else {
            throw BrowserError.argument(
                "cookie is missing: {\"name\", \"value\", \"url\" or \"domain\", \"path\"?, \"expires\"?, \"httpOnly\"?, "
                    + "\"secure\"?, \"sameSite\"?}.")
        }
        let arguments = ArgumentReader(given)
        guard let name = try arguments.text("name") else { throw BrowserError.argument("cookie.name is missing.") }
        guard let content = try arguments.raw("value") else { throw BrowserError.argument("cookie.value is missing.") }
        let (url, domain) = (try arguments.text("url"), try arguments.text("domain"))
        var cookie: JSONValue = ["name": .string(name), "value": .string(content)]
        if let url {
            guard case .web? = try? NavigationAddress(url) else {  // the message says what is needed
                throw BrowserError.argument("cookie.url must be an address such as https://example.com/.")
            }
            cookie["url"] = .string(url)
        } else if let domain {
            cookie["domain"] = .string(domain)
            cookie["path"] = "/"
        } else {
            throw BrowserError.argument("cookie needs a url, or a domain (with path, default /).")
        }
        if let path = try arguments.text("path") { cookie["path"] = .string(path) }
        if let flag = try arguments.flag("httpOnly") { cookie["httpOnly"] = .bool(flag) }
        if let flag = try arguments.flag("secure") { cookie["secure"] = .bool(flag) }
        if let word = try arguments.text("sameSite") {
            guard let found = ["Strict", "Lax", "None"].first(where: { $0.lowercased() == word.lowercased() }) else {
                throw BrowserError.argument("cookie.sameSite must be Strict, Lax or None.")
            }
            cookie["sameSite"] = .string(found)
        }
        if let expires = given["expires"], expires != .null {
            guard let time = expires.doubleValue ?? expires.stringValue.flatMap({ Double($0) }) else {
                throw BrowserError.argument("cookie.expires must be seconds since 1970, or -1 for a session cookie.")
            }
            if time >= 0 { cookie["expires"] = .double(time) }
        }
        return cookie
    }
}

extension Page {
    /// The cookies that the browser has; with `url` those that it would send there.
    func cookies(url: String?, name: String?) async throws -> [JSONValue] {
        let told: JSONValue
        if let url {
            guard case .web(let address)? = try? NavigationAddress(url) else {  // the message says what is needed
                throw BrowserError.argument("url must be an address such as https://example.com/.")
            }
            told = try await send("Network.getCookies", ["urls": [.string(address.text)]])
        } else {
            told = try await send("Storage.getCookies")
        }
        return (told["cookies"]?.arrayValue ?? []).filter { name == nil || $0["name"]?.stringValue == name }
            .map { cookie in
                var shown: JSONValue = [:]
                for member in ["name", "value", "domain", "path", "expires", "httpOnly", "secure", "sameSite"] {
                    if let value = cookie[member] { shown[member] = value }
                }
                if cookie["session"] == true { shown["expires"] = -1 }
                return shown
            }
    }

    /// Sets a cookie.
    ///
    /// - Throws: `BrowserError` 400 `invalid_cookie` with the browser's reason.
    func setCookie(_ cookie: JSONValue) async throws {
        do {
            _ = try await send("Storage.setCookies", ["cookies": [cookie]])
        } catch let error as BrowserError where error.status == 500 && isOpen {
            throw BrowserError(
                400, "invalid_cookie",
                "The browser refused the cookie: \(error.message) Domain, path, secure and sameSite must fit together "
                    + "(sameSite None needs secure).")
        }
    }

    /// Deletes cookies and returns how many.
    func clearCookies(name: String?, domain: String?) async throws -> Int {
        let all = try await send("Storage.getCookies")["cookies"]?.arrayValue ?? []
        if name == nil, domain == nil {
            _ = try await send("Storage.clearCookies")
            return all.count
        }
        func plain(_ domain: String?) -> Substring? { domain.map { $0.drop { $0 == "." } } }
        let chosen = all.filter { cookie in
            (name == nil || cookie["name"]?.stringValue == name)
                && (domain == nil || plain(cookie["domain"]?.stringValue) == plain(domain))
        }
        for cookie in chosen {
            var params: JSONValue = [:]
            for member in ["name", "domain", "path", "partitionKey"] {
                if let value = cookie[member] { params[member] = value }
            }
            _ = try await send("Network.deleteCookies", params)
        }
        return chosen.count
    }

    // MARK: Storage

    /// The frame that a request names: by its id, its place (`f1` is the first below the main frame), or a part of its
    /// address; nil: the main frame.
    ///
    /// - Throws: `BrowserError` 404 `unknown_frame`.
    func frame(naming wanted: String?) throws -> String? {
        guard let wanted else { return nil }
        let frames = frames
        if let place = wanted.first == "f" ? Int(wanted.dropFirst()) : nil, frames.indices.contains(place) {
            return frames[place].id
        }
        guard let found = frames.first(where: { $0.id == wanted }) ?? frames.first(where: { $0.url.contains(wanted) })
        else {
            let list = frames.enumerated().map { "f\($0.offset) \($0.element.url.prefix(100))" }.joined(separator: ", ")
            throw BrowserError(
                404, "unknown_frame", "There is no frame \"\(wanted.prefix(100))\". Frames: \(list.prefix(1500)).")
        }
        return found.id
    }

    /// The entries of a storage, or one of them.
    func storage(_ kind: StorageKind, key: String?, frame: String?) async throws -> JSONValue {
        let told = try await storageCall(
            kind, frame,
            """
            if (key !== null) {
                const value = storage.getItem(key);
                return {origin, values: value === null ? {} : {[key]: value}};
            }
            const values = {};
            let room = 1000000, total = 0;
            for (let index = 0; index < storage.length; index++) {
                const name = storage.key(index), text = storage.getItem(name) ?? '';
                total++;
                room -= name.length + text.length;
                if (room >= 0) Object.defineProperty(values, name, {value: text, enumerable: true});
            }
            return {origin, values, total, truncated: room < 0};
            """, [key.map { .string($0) } ?? .null])
        var reply: JSONValue = ["origin": told["origin"] ?? "", "values": told["values"] ?? [:]]
        if told["truncated"] == true {
            reply["truncated"] = true
            reply["total"] = told["total"] ?? 0
        }
        return reply
    }

    /// Writes an entry.
    func setStorage(_ kind: StorageKind, key: String, value: String, frame: String?) async throws -> JSONValue {
        try await storageCall(
            kind, frame, "storage.setItem(key, value); return {origin};", [.string(key), .string(value)])
    }

    /// Removes one entry or all.
    func clearStorage(_ kind: StorageKind, key: String?, frame: String?) async throws -> JSONValue {
        try await storageCall(
            kind, frame,
            """
            const cleared = key === null ? storage.length : Number(storage.getItem(key) !== null);
            if (key === null) storage.clear(); else storage.removeItem(key);
            return {origin, cleared};
            """, [key.map { .string($0) } ?? .null])
    }

    private func storageCall(
        _ kind: StorageKind, _ frame: String?, _ body: String, _ arguments: [JSONValue]
    ) async throws -> JSONValue {
        let script = """
            function (key, value) {
                let storage;
                const origin = self.origin;
                try { storage = window.\(kind.rawValue)Storage; } catch (error) { return {refused: String(error)}; }
                if (!storage) return {refused: 'the page has none'};
                try { \(body) } catch (error) { return {refused: String(error)}; }
            }
            """
        let told = try await call(script, arguments, frame: frame)
        if let refused = told["refused"]?.stringValue {
            throw BrowserError(
                400, "no_storage",
                "The \(kind.rawValue) storage of \(url.prefix(200)) can't be used (\(refused.prefix(300))). Open a page of "
                    + "the site first; about:blank and sandboxed frames have none.")
        }
        return told
    }
}
