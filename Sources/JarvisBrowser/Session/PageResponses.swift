import JarvisCore

extension Page {
    /// The body of a response whose address fits `pattern`: the newest that the tab's document has had, or with `next`,
    /// or when there was none, the next one.
    ///
    /// - Parameter limit: the most characters; what is longer is cut and says so.
    /// - Returns: `{url, status, headers, body, …}` for POST /response/body.
    /// - Throws: `BrowserError` 408 `response_timeout`, 404 `no_body`.
    package func responseBody(
        _ pattern: AddressPattern, shown: String, next: Bool, limit: Int, within time: Duration
    ) async throws -> JSONValue {
        let mark = next ? state.read { $0.traffic.last } : 0
        let request: Traffic.Request? = await state.wait(time) { state in
            let found = state.traffic.recent.elements.last { request in
                request.number > mark && request.isFinished && request.failure == nil && request.status != nil
                    && !(300..<400).contains(request.status ?? 0) && pattern.matches(request.url)
            }
            return found
        }
        guard let request else {
            try refuseDead()
            throw BrowserError(
                408, "response_timeout",
                "No response whose address fits \"\(shown.prefix(200))\" came within \(Self.text(time)): GET /requests "
                    + "lists those that did.")
        }
        let answer: JSONValue
        do {
            answer = try await send(
                "Network.getResponseBody", ["requestId": .string(request.id)], over: request.session)
        } catch let error as BrowserError where error.code == "failed" || error.code == "unknown_tab" {
            throw BrowserError(
                404, "no_body",
                "The browser has not kept the body of \(request.url.prefix(200)); ask for it before the page is left.")
        }
        return Self.response(request, answer, limit: limit)
    }

    private static func response(_ request: Traffic.Request, _ answer: JSONValue, limit: Int) -> JSONValue {
        let raw = answer["body"]?.stringValue ?? ""
        let announced = request.headers?.objectValue?.first { $0.key.lowercased() == "content-length" }?.value
        let isLost = raw.isEmpty && (announced?.stringValue.flatMap { Int($0) } ?? 0) > 0
        let isBinary = answer["base64Encoded"]?.boolValue == true && !raw.isEmpty
        var body = isBinary ? "" : raw
        var total: Int?
        // Bytes are counted first because counting the characters of a long text is slow.
        if body.utf8.count > limit {
            let cut = String(body.prefix(limit))
            if cut.utf8.count < body.utf8.count {
                total = body.count
                body = cut
            }
        }
        return .members([
            "url": .string(request.url), "status": request.status.map { JSONValue($0) },
            "mimeType": request.mimeType.map { .string($0) }, "headers": request.headers.map(bounded),
            "body": .string(body), "truncated": total == nil ? nil : true, "chars": total.map { JSONValue($0) },
            "binary": isBinary ? true : nil,
            "bytes": isBinary
                ? JSONValue(raw.utf8.count / 4 * 3 - raw.utf8.reversed().prefix { $0 == UInt8(ascii: "=") }.count)
                : nil,
            "note": isBinary
                ? "The body is binary and not shown; download it instead."
                : isLost ? "The browser has not kept the body." : nil,
        ])
    }

    // A server may send as many headers as it likes. Cookies are for the routes of cookies.
    private static func bounded(_ headers: JSONValue) -> JSONValue {
        var kept = JSONObject()
        for (name, value) in headers.objectValue ?? [:] where name.lowercased() != "set-cookie" {
            guard kept.count < 100 else { break }
            kept[name] = .string(ScriptText.cut(value.stringValue ?? "", 1000))
        }
        return .object(kept)
    }
}
