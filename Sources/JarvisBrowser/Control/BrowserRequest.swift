import JarvisCore

/// One request to the control service, whichever way it came: HTTP, RPC, or an agent's tool.
package struct BrowserRequest: Sendable {
    /// `GET`, `POST` or `DELETE`.
    package var method: String
    /// A path such as `/tabs/open`, normalised, without query.
    package var path: String
    /// The query, decoded.
    package var query: [String: String]
    /// The JSON body; an empty object when there was none.
    package var body: JSONValue

    /// A request.
    package init(_ method: String, _ path: String, query: [String: String] = [:], body: JSONValue = [:]) {
        self.method = method
        self.path = path
        self.query = query
        self.body = body
    }
}

/// What the control service answers.
package struct BrowserReply: Sendable {
    /// The HTTP status.
    package var status: Int
    /// The JSON body; `{error, code}` when `status` is 400 or more.
    package var body: JSONValue

    /// A reply.
    package init(status: Int = 200, body: JSONValue) {
        self.status = status
        self.body = body
    }

    /// A refusal.
    package init(_ error: BrowserError) {
        self.init(status: error.status, body: ["error": .string(error.message), "code": .string(error.code)])
    }
}
