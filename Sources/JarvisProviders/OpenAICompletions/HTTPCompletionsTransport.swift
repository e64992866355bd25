import JarvisKit
import JarvisNet

/// Sends completions over `HTTPClient`.
package struct HTTPCompletionsTransport: CompletionsTransport {
    /// Bytes of an error's body that are read.
    package static let errorLimit = 64 << 10
    /// Bytes of an answer that comes as one document.
    package static let documentLimit = 8 << 20

    private let client: HTTPClient
    private let connectTimeout: Duration
    private let silence: Duration

    /// A transport on `client`.
    ///
    /// - Parameters:
    ///   - connectTimeout: Until the connection stands. Default 10 s.
    ///   - silence: Without a single byte. Longer than the chain's timeouts, which know events from comments and decide
    ///     first. Default 90 s.
    package init(client: HTTPClient, connectTimeout: Duration = .seconds(10), silence: Duration = .seconds(90)) {
        self.client = client
        self.connectTimeout = connectTimeout
        self.silence = silence
    }

    /// Sends one request.
    package func post(
        url: String, headers: [(String, String)], body: [UInt8],
        receive: @Sendable (CompletionsFrame) async -> Bool
    ) async throws(ProviderError) {
        let request = HTTPClientRequest(
            method: "POST", url: url, headers: headers, body: body, connectTimeout: connectTimeout,
            firstByteTimeout: silence, idleTimeout: silence)
        do {
            try await client.withResponse(request) { response in try await Self.read(response, receive: receive) }
        } catch {
            throw Self.failure(error)
        }
    }

    private static func read(
        _ response: HTTPClientResponse, receive: @Sendable (CompletionsFrame) async -> Bool
    ) async throws {
        let contentType = response.header("content-type")
        let head = CompletionsFrame.head(
            status: response.status, contentType: contentType, retryAfter: response.header("retry-after"))
        guard await receive(head) else { return }
        let isSuccess = (200..<300).contains(response.status)
        guard isSuccess, contentType?.lowercased().hasPrefix("text/event-stream") == true else {
            let bytes = try await collect(response.body, limit: isSuccess ? documentLimit : errorLimit)
            _ = await receive(.body(bytes))
            return
        }
        var parser = SSEParser()
        for try await piece in response.body {
            for event in try parser.push(piece) {
                guard await receive(.event(event.data)) else { return }
            }
        }
        for event in parser.finish() {
            guard await receive(.event(event.data)) else { return }
        }
    }

    /// The beginning of a body: an error page may be endless, and its first words are enough.
    private static func collect(_ body: HTTPBody, limit: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        do {
            for try await piece in body {
                bytes.append(contentsOf: piece.readableBytesView.prefix(limit - bytes.count))
                if bytes.count >= limit { break }
            }
        } catch let error as HTTPClientError where !bytes.isEmpty && error.kind == .closedEarly {
            return bytes
        }
        return bytes
    }

    private static func failure(_ error: any Error) -> ProviderError {
        switch error {
        case is CancellationError: return ProviderError(.cancelled, "The request was stopped.")
        case let error as ProviderError: return error
        case let error as HTTPClientError:
            let message = CompletionsFailure.redact(error.message, secrets: [])
            switch error.kind {
            case .timeout(.connect): return ProviderError(.network, message, status: error.status)
            case .timeout: return ProviderError(.timeout, message, status: error.status)
            case .malformed, .tooLarge: return ProviderError(.malformed, message, status: error.status)
            case .badURL, .blocked: return ProviderError(.format, message, status: error.status)
            case .connect, .tls, .closedEarly, .refused:
                return ProviderError(.network, message, status: error.status)
            }
        default: return ProviderError(.malformed, CompletionsFailure.redact("\(error)", secrets: []))
        }
    }
}
