import JarvisCore

/// Where a browser that its user started can be commanded: it says so in its user-data directory.
package enum ExistingSession {
    /// The address in `DevToolsActivePort` of the profile's user-data directory. Blocks for a moment.
    ///
    /// - Throws: `BrowserError` 409 `not_running` when there is none, with what to do.
    package static func address(of profile: BrowserProfile) throws -> CDPAddress {
        let file = "\(profile.userDataDir)/DevToolsActivePort"
        let bytes = try? DurableFile.read(file, limit: 4096)  // absent: no browser has its port open there
        guard let bytes, let address = address(in: String(decoding: bytes, as: UTF8.self)) else {
            throw BrowserError(
                409, "not_running",
                "No browser with an open debugging port runs on \(profile.userDataDir), the user-data directory of the "
                    + "profile \"\(profile.name)\" (driver existing-session). Start yours with "
                    + "--remote-debugging-port=0 --user-data-dir=\(profile.userDataDir)")
        }
        return address
    }

    /// The port, and the path of the WebSocket, each on a line. Pure.
    static func address(in text: String) -> CDPAddress? {
        let lines = text.split(whereSeparator: \.isNewline)
        guard lines.count >= 2, let port = Int(lines[0]), (1...65_535).contains(port),
            lines[1].hasPrefix("/devtools/browser/")
        else { return nil }
        return try? CDPAddress("ws://127.0.0.1:\(port)\(lines[1])")  // a damaged file is no address
    }
}
