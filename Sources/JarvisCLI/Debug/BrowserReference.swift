import JarvisBrowser

/// docs/reference/browser.md, from the routes themselves.
enum BrowserReference {
    /// The document. The same routes give the same text.
    static func markdown() -> String {
        let rows = BrowserRoutes.all.map { "| `\($0.method)` | `\($0.path)` | \(cell($0.summary)) |" }
        return head + rows.joined(separator: "\n") + "\n"
    }

    private static func cell(_ text: String) -> String { text.split(separator: "|").joined(separator: "\\|") }

    private static let head = """
        <!-- made by `make references`; do not edit -->
        # Browser control

        The routes of the browser control service. They are the same over HTTP on base + 2 (loopback only), over RPC \
        as `browser.request {method, path, query?, body?, timeoutMs?}`, and below the commands of `jarvis browser`.

        - **Secret**: `Authorization: Bearer <the gateway's token or password>`, `X-Jarvis-Password`, or the password of \
        HTTP Basic. Without the right one every path answers `401` with the same text. A secret in the query or in a \
        cookie does not count.
        - **Pages of other sites** are refused with `403` before anything else happens, by `Origin`, `Referer` and \
        `Sec-Fetch-Site`; a foreign `Host` with `421`.
        - **Bodies** are JSON objects, sent as `application/json` (`415` otherwise), at most 1 MB (`413`).
        - **Which browser**: `profile` in query or body; without it the default profile. **Which tab**: `targetId`, a \
        unique beginning is enough; without it the tab used last.
        - **Errors** are `{error, code}`: `400` bad input or an address that may not be opened, `403` turned off, `404` \
        no such profile, tab, ref or route, `408` not in time, `409` not running, ambiguous or taken, `500` the browser \
        failed, `507` no port is left.
        - A client that closes its connection ends what it asked for.

        | | | |
        |---|---|---|

        """
}
