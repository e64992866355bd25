import JarvisCore

/// What the browser of a profile does.
package enum BrowserLife: Sendable {
    /// It does not run; why, when it did not end because somebody asked.
    case stopped(reason: String?)
    /// It is being started.
    case starting(BrowserStart)
    /// It is connected.
    case running(OpenBrowser)
    /// It is being ended; why, when nobody asked.
    case stopping(Task<Void, Never>, reason: String?)

    /// `stopped`, `failed` (it ended or did not start, and nobody asked), `starting`, `running`, `stopping`.
    package var word: String {
        switch self {
        case .stopped(let reason): reason == nil ? "stopped" : "failed"
        case .starting: "starting"
        case .running: "running"
        case .stopping: "stopping"
        }
    }
}

/// One start of a browser, for all who wait for it.
package final class BrowserStart: Sendable {
    let task: Task<OpenBrowser, any Error>

    init(
        _ profile: BrowserProfile, _ settings: BrowserSettings, _ host: BrowserHost, _ opener: @escaping BrowserOpener
    ) {
        // unstructured: shared by everybody who waits for it
        task = Task { try await opener(profile, settings, host) }
    }
}

/// One line about the browser of a profile, for status reports.
package struct BrowserGlance: Sendable, Hashable {
    /// The browser profile.
    package var profile: String
    /// As `BrowserLife.word`.
    package var state: String
    /// Its process; nil when it does not run or is not our child.
    package var pid: Int32?
    /// Its debugging port; nil while none is open.
    package var cdpPort: Int?
    /// Why it does not run, when nobody stopped it.
    package var reason: String?

    init(name: String, life: BrowserLife) {
        profile = name
        state = life.word
        switch life {
        case .running(let browser): (pid, cdpPort) = (browser.pid, browser.port)
        case .stopped(let why): reason = why
        case .starting, .stopping: break
        }
    }

    /// As the discovery contract has it.
    package var json: JSONValue {
        [
            "profile": .string(profile), "state": .string(state), "pid": pid.map { JSONValue(Int($0)) } ?? .null,
            "cdpPort": cdpPort.map { JSONValue($0) } ?? .null, "reason": JSONValue(reason),
        ]
    }
}
