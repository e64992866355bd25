import JarvisCore
import JarvisSystem

extension DoctorCheck {
    /// Whether the browsers of an instance can be driven, safely, and whether any was left behind.
    static let browser = DoctorCheck(id: "browser", title: "browsers") { patient, _ in
        let settings = patient.config.config.browser
        guard settings.enabled else { return [] }
        var findings: [Finding] = []
        if let problem = patient.attested?.browserControlProblem {
            findings.append(
                Finding(
                    "browser.control", .warning, "The browser control service is off: \(problem)",
                    next: patient.command("gateway restart")))
        } else if !patient.isRunning, patient.config.exists, let base = patient.plannedPort,
            let port = try? PortSpan(base: base).browserControl,  // a base with no room above it has its own finding
            !PortPlan.isFree(port)
        {
            let holder = PortHolder.find(port: port).map { ": \($0)" } ?? ""
            findings.append(
                Finding(
                    "browser.control", .warning,
                    "Something else listens on port \(port), where browsers are controlled\(holder).",
                    next: patient.command("config set gateway.port <another>")))
        }
        for browser in patient.attested?.browsers ?? [] where browser.state == "failed" {
            findings.append(
                Finding(
                    "browser.failed", .warning,
                    "The browser of profile “\(browser.profile)” does not run: \(browser.reason ?? "it ended").",
                    next: patient.command("browser --browser-profile \(browser.profile) start")))
        }
        let dangerous = settings.extraArgs.filter { flag in Self.dangerousFlags.contains { flag.hasPrefix($0) } }
        if !dangerous.isEmpty {
            findings.append(
                Finding(
                    "browser.flags", .warning, "browser.extraArgs takes protection away.", evidence: dangerous,
                    next: patient.command("config unset browser.extraArgs")))
        }
        let attached = settings.profiles.filter { profile in
            profile.driver == "existing-session" || profile.attachOnly ?? settings.attachOnly
        }.map(\.name)
        if !attached.isEmpty {
            findings.append(
                Finding(
                    "browser.attached", .info,
                    "Browsers that JARVIS did not start have no proxy of ours: their WebSockets and WebRTC are not kept "
                        + "from private networks. Managed ones are.",
                    evidence: attached, next: patient.command("browser --browser-profile \(attached[0]) status")))
        }
        findings += orphans(patient)
        return findings
    }

    private static let dangerousFlags = [
        "--remote-allow-origins=*", "--disable-web-security", "--remote-debugging-address", "--proxy-bypass-list",
        "--no-proxy-server", "--ignore-certificate-errors", "--disable-site-isolation",
    ]

    /// Browsers of this instance without its gateway. Its next start ends them.
    private static func orphans(_ patient: Patient) -> [Finding] {
        guard !patient.isRunning, let id = patient.identity?.instanceId else { return [] }
        let reader = ProcessInfoReader()
        let root = "\(patient.instance.paths.browser)/"
        let found = ProcessTable.read().alive.entries.filter { entry in
            reader.environment(entry.pid, ChildTree.tag) == id
                && reader.commandLine(pid: entry.pid).contains { $0.hasPrefix("--user-data-dir=\(root)") }
        }
        guard !found.isEmpty else { return [] }
        return [
            Finding(
                "browser.orphans", .warning,
                "\(found.count) browser processes of this instance run without its gateway; its next start ends them.",
                evidence: found.map { "pid \($0.pid)" }, next: patient.command("gateway"))
        ]
    }
}
