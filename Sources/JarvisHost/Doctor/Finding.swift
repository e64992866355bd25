import JarvisCore

/// What a check found at one instance.
package struct Finding: Sendable {
    /// How bad it is.
    package enum Severity: String, Sendable, CaseIterable {
        /// Worth knowing; nothing is wrong.
        case info
        /// Something is wrong; the gateway works all the same, or will until the next start.
        case warning
        /// The gateway does not work, or not safely.
        case error
    }

    /// A stable word such as `state.mode`; programs match it.
    package var id: String
    /// How bad it is.
    package var severity: Severity
    /// What is wrong, for people, with value and place.
    package var message: String
    /// What the finding rests on: one fact a line.
    package var evidence: [String]
    /// The command or step that helps when there is no fix; names one instance.
    package var next: String?
    /// What `--fix` does about it.
    package var fix: FixPlan?

    /// A finding.
    package init(
        _ id: String, _ severity: Severity, _ message: String, evidence: [String] = [], next: String? = nil,
        fix: FixPlan? = nil
    ) {
        self.id = id
        self.severity = severity
        self.message = message
        self.evidence = evidence
        self.next = next
        self.fix = fix
    }
}

/// One thing that is looked at. A new check is one file and one line in `DoctorCheck.all`.
package struct DoctorCheck: Sendable {
    /// A stable word: `state`, `ports` …
    package let id: String
    /// What it looks at, for people.
    package let title: String
    /// Looks. Reads only; blocks at most some seconds.
    package let run: @Sendable (Patient, DoctorContext) -> [Finding]

    /// All of them, in the order in which they are told.
    package static let all: [DoctorCheck] = [
        stateDirectory, permissions, identity, configuration, overlaps, leftovers, leases, ports, services, gateway,
        browser, crashLoop, clock, exposure, environment, disk, peers,
    ]
}
