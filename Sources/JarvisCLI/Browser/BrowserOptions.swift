import ArgumentParser
import JarvisCore
import JarvisProtocol

/// Which gateway, which of its browsers, and how to print.
protocol BrowserDoor {
    /// Which browser; nil for the default one.
    var profile: String? { get }
    /// Which gateway.
    var gateway: EndpointOptions { get }
    /// How long its answer may take, in milliseconds.
    var limit: Int { get }
    /// Whether to print one JSON document.
    var wantsJSON: Bool { get }
}

extension BrowserDoor {
    /// Has the gateway answer a request.
    ///
    /// - Throws: `gateway.not_running`, exit 1, with the command that starts it; `browser.…`, exit 1, with the control
    ///   service's words.
    func send(_ ask: BrowserAsk) async throws -> JSONValue {
        let client = try await gateway.connect(.current)
        defer { client.close() }
        var query = ask.query
        if let profile { query["profile"] = .string(profile) }
        let limit = min(max(limit, ask.patienceMs.map { $0 + 10_000 } ?? 0), 600_000)
        do {
            return try await client.call(
                "browser.request",
                .members([
                    "method": .string(ask.method), "path": .string(ask.path), "query": query, "body": ask.body,
                    "timeoutMs": JSONValue(limit),
                ]), timeout: .milliseconds(limit + 5_000))
        } catch let error as WireError {
            throw BrowserText.failure(error, command: try CLIContext.current.instance().command)
        }
    }
}

/// The options of nearly every command below `browser`.
struct BrowserOptions: ParsableArguments, BrowserDoor {
    @OptionGroup var choice: BrowserChoice
    @OptionGroup var gateway: EndpointOptions

    var profile: String? { choice.browserProfile }
    var limit: Int { choice.timeout }
    var wantsJSON: Bool { choice.json.isOn }
}

/// The same for commands whose `--url` is the address of a page.
struct BrowserPageURLOptions: ParsableArguments, BrowserDoor {
    @OptionGroup var choice: BrowserChoice

    @Option(
        help: ArgumentHelp(
            "A gateway's WebSocket URL instead of this instance; needs --token or --password.", valueName: "ws-url"))
    var gatewayUrl: String?

    @Option(help: "The token for --gateway-url.")
    var token: String?

    @Option(help: "The password for --gateway-url.")
    var password: String?

    mutating func validate() throws {
        var endpoint = gateway
        try endpoint.validate()
    }

    var profile: String? { choice.browserProfile }
    var limit: Int { choice.timeout }
    var wantsJSON: Bool { choice.json.isOn }

    var gateway: EndpointOptions {
        var endpoint = EndpointOptions()
        endpoint.url = gatewayUrl
        endpoint.token = token
        endpoint.password = password
        return endpoint
    }
}

/// Which browser, how long, and how to print.
struct BrowserChoice: ParsableArguments {
    @Option(help: ArgumentHelp("Which browser of the gateway; see “profiles”.", valueName: "name"))
    var browserProfile: String?

    @Option(help: ArgumentHelp("How long to wait for the gateway's answer, in milliseconds.", valueName: "ms"))
    var timeout: Int = 60_000

    @Flag(help: .hidden)
    var expectFinal = false

    @OptionGroup var json: JSONOption

    mutating func validate() throws {
        guard (1...600_000).contains(timeout) else {
            throw ValidationError("--timeout must be 1 to 600000 milliseconds.")
        }
    }
}
