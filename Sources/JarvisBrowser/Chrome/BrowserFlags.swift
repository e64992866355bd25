/// The arguments of a browser. Pure.
package enum BrowserFlags {
    /// All arguments, `about:blank` last.
    ///
    /// - Throws: `BrowserError` 400 `invalid_args` for extra arguments that can't be given.
    static func arguments(_ plan: LaunchPlan) throws(BrowserError) -> [String] {
        if let problem = problem(of: plan.extraArgs) { throw BrowserError(400, "invalid_args", problem) }
        var flags = ["--remote-debugging-pipe", "--user-data-dir=\(plan.userDataDir)"]
        if let port = plan.cdpPort { flags.append("--remote-debugging-port=\(port)") }
        flags += [
            "--no-first-run", "--no-default-browser-check", "--disable-sync", "--disable-background-networking",
            "--disable-component-update", "--disable-session-crashed-bubble", "--hide-crash-restore-bubble",
            "--password-store=basic",
            // No reports about crashes: they hold what pages held, and their handlers outlive the browser.
            "--disable-breakpad",
        ]
        if plan.isHeadless { flags += ["--headless=new", "--disable-gpu"] }
        if plan.noSandbox { flags += ["--no-sandbox", "--disable-setuid-sandbox"] }
        #if os(Linux)
            flags.append("--disable-dev-shm-usage")
        #endif
        if let proxy = plan.proxyPort { flags += EgressProxy.flags(port: proxy) }
        return merged(flags, plan.extraArgs) + ["about:blank"]
    }

    /// Lists that the browser would take from the last mention only, with what we put there.
    private static let lists = [
        "disable-features": ["Translate", "MediaRouter"], "disable-blink-features": ["AutomationControlled"],
    ]

    private static func merged(_ flags: [String], _ extra: [String]) -> [String] {
        var lists = lists
        var rest: [String] = []
        for word in extra {
            let name = name(of: word)
            guard let values = lists[name], let equals = word.firstIndex(of: "=") else {
                rest.append(word)
                continue
            }
            let more = word[word.index(after: equals)...].split(separator: ",").map(String.init)
            lists[name] = values + more.filter { !values.contains($0) }
        }
        return flags + lists.sorted { $0.key < $1.key }.map { "--\($0.key)=\($0.value.joined(separator: ","))" } + rest
    }

    // MARK: Arguments of the configuration

    /// Why these `browser.extraArgs` can't be given, naming the first that can't and what to set instead; nil: they can.
    package static func problem(of extra: [String]) -> String? {
        for (index, word) in extra.enumerated() {
            let place = "browser.extraArgs[\(index)]"
            guard word.utf8.count <= 4096, word.utf8.allSatisfy({ $0 >= 32 && $0 != 127 }) else {
                return "\(place) is longer than 4096 bytes or holds a control character."
            }
            let name = name(of: word)
            guard word.hasPrefix("--"), !name.isEmpty else {
                return "\(place) is \"\(word.prefix(80))\": an argument of the browser begins with --."
            }
            if let instead = refused[name] ?? (name.hasPrefix("remote-debugging-") ? Self.debugging : nil) {
                return "\(place) is --\(name.prefix(60)), which is not passed on: \(instead)"
            }
        }
        return nil
    }

    private static let debugging = "it would open the browser to others. Set browser.cdp to \"port\" instead."
    private static let proxied = "everything goes through the gateway's own check of addresses; see browser.ssrfPolicy."
    private static let harmful = "it takes away what separates pages from each other."

    private static let refused: [String: String] = [
        "user-data-dir": "each browser profile has its own; set browser.profiles.<name>.userDataDir instead.",
        "remote-allow-origins": "any web page could command the browser.",
        "proxy-server": proxied, "proxy-bypass-list": proxied, "proxy-pac-url": proxied, "proxy-auto-detect": proxied,
        "no-proxy-server": proxied, "host-resolver-rules": proxied, "host-rules": proxied,
        "winhttp-proxy-resolver": proxied, "enable-quic": proxied,
        "webrtc-ip-handling-policy": proxied, "force-webrtc-ip-handling-policy": proxied,
        "no-sandbox": "set browser.noSandbox instead.", "disable-setuid-sandbox": "set browser.noSandbox instead.",
        "headless": "set browser.headless instead.",
        "disable-web-security": harmful, "disable-site-isolation-trials": harmful, "single-process": harmful,
        "allow-file-access-from-files": harmful,
        "type": "it is how the browser names its own helpers.",
        "enable-crashpad": "reports about crashes hold what pages held.",
    ]

    /// `--proxy-server=x` is `proxy-server`.
    private static func name(of word: String) -> String {
        String(word.drop { $0 == "-" }.prefix { $0 != "=" })
    }
}
