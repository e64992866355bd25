import JarvisCore

/// A secret that no log line, error or dump shows.
package struct Credential: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
    /// The secret itself; only for the header that carries it and for redaction.
    package let secret: String

    /// Wraps `secret`.
    package init(_ secret: String) { self.secret = secret }

    /// Always `[redacted]`.
    package var description: String { "[redacted]" }

    /// Shows nothing.
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// How one provider of the configuration speaks `openai-completions`.
package struct CompletionsSettings: Sendable {
    /// The URL up to and without `/chat/completions`; slashes at its end don't matter.
    package var baseURL: String
    /// Sent as `Authorization: Bearer …`; nil sends no such header.
    package var apiKey: Credential?
    /// Extra headers; one named `Authorization` replaces the key's.
    package var headers: [(name: String, value: Credential)]
    /// Whether the key is sent as a bearer at all (`authHeader` in the configuration). Default true.
    package var sendsAuthorization: Bool
    /// What this server understands.
    package var compat: CompletionsCompat

    /// The settings of one provider.
    package init(
        baseURL: String, apiKey: Credential? = nil, headers: [(name: String, value: Credential)] = [],
        sendsAuthorization: Bool = true,
        compat: CompletionsCompat = CompletionsCompat()
    ) {
        self.baseURL = baseURL
        self.apiKey = apiKey
        self.headers = headers
        self.sendsAuthorization = sendsAuthorization
        self.compat = compat
    }

    /// Where requests go: `<baseURL>/chat/completions`.
    package var endpoint: String {
        var base = Substring(baseURL)
        while base.hasSuffix("/") { base.removeLast() }
        return "\(base)/chat/completions"
    }

    /// What must never be seen in a message: the key, and the values of headers that look like credentials.
    var secrets: [String] {
        let sensitive = ["authorization", "api-key", "x-api-key", "cookie", "token"]
        let fromHeaders = headers.filter { header in sensitive.contains { header.name.lowercased().hasSuffix($0) } }
        return [apiKey?.secret].compactMap { $0 } + fromHeaders.map(\.value.secret)
    }
}

/// The switches of `compat` in a model's configuration that this adapter needs. Absent means as the endpoint suggests.
package struct CompletionsCompat: Sendable, Hashable {
    /// The name of the member that limits the answer.
    package enum MaxTokensField: String, Sendable {
        /// The new name.
        case maxCompletionTokens = "max_completion_tokens"
        /// The old name, which most servers still want.
        case maxTokens = "max_tokens"
    }

    /// Whether the system prompt of a reasoning model goes out as `developer`. Default: only at api.openai.com.
    package var supportsDeveloperRole: Bool?
    /// Whether `stream_options.include_usage` may be sent. Default true.
    package var supportsUsageInStreaming: Bool?
    /// Whether `store: false` may be sent. Default: only at api.openai.com.
    package var supportsStore: Bool?
    /// How the answer's limit is called. Default `max_tokens`, at api.openai.com `max_completion_tokens`.
    package var maxTokensField: MaxTokensField?
    /// Whether a tool result must repeat the tool's name. Default false.
    package var requiresToolResultName: Bool?

    /// No switches.
    package init() {}

    /// Reads a `compat` object; unknown members and wrong types are ignored.
    package init(json: JSONValue?) {
        supportsDeveloperRole = json?["supportsDeveloperRole"]?.boolValue
        supportsUsageInStreaming = json?["supportsUsageInStreaming"]?.boolValue
        supportsStore = json?["supportsStore"]?.boolValue
        maxTokensField = json?["maxTokensField"]?.stringValue.flatMap(MaxTokensField.init)
        requiresToolResultName = json?["requiresToolResultName"]?.boolValue
    }
}
