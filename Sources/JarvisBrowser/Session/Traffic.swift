import JarvisCore

/// What a tab has asked the network for: what is under way, and the newest requests.
struct Traffic: Sendable {
    /// One request; redirects are requests of their own.
    struct Request: Sendable {
        var id: String
        var session: String
        var number: Int
        var method: String
        var url: String
        /// `Document`, `XHR`, `Fetch`, `Script` …
        var type: String
        var frame: String?
        /// The document that asked, for a document itself the one that it became.
        var loader: String
        var time: EpochMilliseconds
        var status: Int?
        var mimeType: String?
        var headers: JSONValue?
        var failure: String?
        var isFinished = false
        var isFromCache = false
    }

    /// How many requests are kept.
    static let limit = 300
    private static let longestURL = 2000
    // A page with more at once is not waited for.
    private static let mostUnderWay = 1000

    private(set) var recent = Ring<Request>(limit: limit)
    /// Requests that may end: id to number and session.
    private(set) var underWay: [String: (number: Int, session: String)] = [:]
    /// Requests by `fetch` that have been answered and whose body is still coming; one that nobody reads never ends.
    private(set) var draining: [String: (number: Int, session: String)] = [:]
    /// The number of the newest request.
    private(set) var last = 0
    /// Goes up whenever a request begins or ends.
    private(set) var changes = 0

    /// The addresses of requests under way, for messages.
    func waiting(limit: Int = 3) -> [String] {
        recent.elements.filter { underWay[$0.id]?.number == $0.number }.prefix(limit).map { String($0.url.prefix(120)) }
    }

    /// Whether a request that began after `mark` is under way.
    func isBusy(after mark: Int) -> Bool { underWay.values.contains { $0.number > mark } }

    /// Whether the body of an answer to a request that began after `mark` is still coming.
    func isDraining(after mark: Int) -> Bool { draining.values.contains { $0.number > mark } }

    /// Takes an event of the `Network` domain.
    mutating func handle(_ method: String, _ params: JSONValue, session: String, now: EpochMilliseconds) {
        guard let id = params["requestId"]?.stringValue else { return }
        switch method {
        case "Network.requestWillBeSent": began(id, params, session: session, now: now)
        case "Network.responseReceived":
            guard let response = params["response"] else { return }
            if params["type"]?.stringValue == "Fetch", let entry = underWay.removeValue(forKey: id) {
                if draining.count < Self.mostUnderWay { draining[id] = entry }
                changes += 1
            }
            recent.updateLast(where: { $0.id == id }) { $0.take(response) }
        case "Network.requestServedFromCache":
            recent.updateLast(where: { $0.id == id }) { $0.isFromCache = true }
        case "Network.loadingFinished": ended(id, failure: nil)
        case "Network.loadingFailed":
            let text =
                params["blockedReason"]?.stringValue.map { "blocked: \($0)" } ?? params["errorText"]?.stringValue
                ?? "failed"
            ended(id, failure: params["canceled"]?.boolValue == true ? "canceled" : text)
        default: break
        }
    }

    private mutating func began(_ id: String, _ params: JSONValue, session: String, now: EpochMilliseconds) {
        guard let request = params["request"], let url = request["url"]?.stringValue else { return }
        if let response = params["redirectResponse"] {
            recent.updateLast(where: { $0.id == id }) { request in
                request.take(response)
                request.isFinished = true
            }
        }
        // Text in the address itself is no traffic.
        guard !url.hasPrefix("data:") else { return }
        last += 1
        let type = params["type"]?.stringValue ?? "Other"
        recent.append(
            Request(
                id: id, session: session, number: last, method: request["method"]?.stringValue ?? "GET",
                url: ScriptText.cut(url, Self.longestURL), type: type, frame: params["frameId"]?.stringValue,
                loader: params["loaderId"]?.stringValue ?? "", time: now))
        changes += 1
        // These stay open as long as the page likes.
        guard !["EventSource", "WebSocket", "Media", "Ping"].contains(type) else { return }
        guard underWay.count < Self.mostUnderWay || underWay[id] != nil else { return }
        underWay[id] = (last, session)
    }

    private mutating func ended(_ id: String, failure: String?) {
        if underWay.removeValue(forKey: id) != nil { changes += 1 }
        draining[id] = nil
        recent.updateLast(where: { $0.id == id }) { request in
            request.isFinished = true
            request.failure = failure
        }
    }

    /// Nothing more comes from a process.
    mutating func sessionEnded(_ session: String) {
        underWay = underWay.filter { $0.value.session != session }
        draining = draining.filter { $0.value.session != session }
        changes += 1
    }

    mutating func clear() { recent.clear() }
}

extension Traffic.Request {
    fileprivate mutating func take(_ response: JSONValue) {
        status = response["status"]?.intValue
        mimeType = response["mimeType"]?.stringValue
        headers = response["headers"]
        if response["fromDiskCache"]?.boolValue == true || response["fromServiceWorker"]?.boolValue == true {
            isFromCache = true
        }
    }

    /// The entry of GET /requests.
    var listed: JSONValue {
        .members([
            "timestamp": .string(WallClock.iso8601(time)), "method": .string(method), "url": .string(url),
            "resourceType": .string(type.lowercased()), "status": status.map { JSONValue($0) },
            "ok": status.map { .bool((200..<400).contains($0)) }, "mimeType": mimeType.map { .string($0) },
            "fromCache": isFromCache ? true : nil, "failureText": failure.map { .string($0) },
            "pending": isFinished ? nil : true,
        ])
    }
}
