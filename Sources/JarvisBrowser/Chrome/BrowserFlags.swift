/// The arguments of a browser. Pure.
enum BrowserFlags {
    /// All arguments, `about:blank` last.
    static func arguments(_ plan: LaunchPlan) -> [String] {
        var flags = ["--remote-debugging-pipe", "--user-data-dir=\(plan.userDataDir)"]
        if let port = plan.cdpPort { flags.append("--remote-debugging-port=\(port)") }
        flags += [
            "--no-first-run", "--no-default-browser-check", "--disable-sync", "--disable-background-networking",
            "--disable-component-update", "--disable-features=Translate,MediaRouter",
            "--disable-session-crashed-bubble", "--hide-crash-restore-bubble", "--password-store=basic",
            "--disable-blink-features=AutomationControlled",
        ]
        if plan.headless { flags += ["--headless=new", "--disable-gpu"] }
        if plan.noSandbox { flags += ["--no-sandbox", "--disable-setuid-sandbox"] }
        #if os(Linux)
            flags.append("--disable-dev-shm-usage")
        #endif
        if let proxy = plan.proxy {
            flags += ["--proxy-server=http://\(proxy)", "--proxy-bypass-list=<-loopback>"]
        }
        return flags + plan.extraArgs + ["about:blank"]
    }
}
