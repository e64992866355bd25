import JarvisKit

/// What one POST brings, in order: the head, then either server-sent events or one body.
package enum CompletionsFrame: Sendable {
    /// The status and the headers that matter.
    case head(status: Int, contentType: String?, retryAfter: String?)
    /// The data of one server-sent event; only after a 2xx head with `text/event-stream`.
    case event(String)
    /// The whole body, at most 64 KiB of an error and 8 MiB of an answer; only where no events come.
    case body([UInt8])
}

/// One streamed POST; the seam between the adapter and the network.
package protocol CompletionsTransport: Sendable {
    /// Sends `body` to `url` and calls `receive` for every frame until it says false or the answer ends. The next frame
    /// is read only after `receive` returned. Cancelling the task closes the connection at once.
    ///
    /// - Throws: `ProviderError` for everything that broke beneath HTTP: `network`, `timeout`, `malformed`,
    ///   `cancelled`.
    func post(
        url: String, headers: [(String, String)], body: [UInt8],
        receive: @Sendable (CompletionsFrame) async -> Bool
    ) async throws(ProviderError)
}
