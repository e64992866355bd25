/// What a session is allowed and where it keeps files.
package struct SessionRules: Sendable {
    /// Whether scripts of the caller may run in pages (`browser.evaluateEnabled`).
    package var mayEvaluate = true
    /// Where screenshots, PDFs and traces go; an absolute path inside the instance.
    package var artifacts: String
    /// Where downloads go; an absolute path inside the instance. Default: beside `artifacts`.
    package var downloads: String
    /// Where files must lie to be uploaded; absolute paths.
    package var uploadRoots: [String]
    /// Which addresses may be opened.
    package var policy: NavigationPolicy
    /// What the policy has refused the browser of late: shared with its `EgressProxy`, if it has one.
    package var denials: EgressDenials? = EgressDenials()
    /// Whether requests are stopped in the browser and judged there: for a browser that has no proxy of ours.
    package var interceptsRequests = false
    /// What the policy allowed a moment ago; begun anew with each change of the rules.
    package var verdicts = AllowedHosts()
    /// Whether certificates that nobody vouches for are accepted in every tab (`ignoreHTTPSErrors` of a profile).
    package var ignoresCertificateErrors = false
    /// Whether the browser runs on this machine, so that its files are ours to move.
    package var isLocal = true

    /// Rules.
    package init(
        mayEvaluate: Bool = true, artifacts: String, uploadRoots: [String], policy: NavigationPolicy,
        downloads: String? = nil
    ) {
        self.mayEvaluate = mayEvaluate
        self.artifacts = artifacts
        self.uploadRoots = uploadRoots
        self.policy = policy
        self.downloads = downloads ?? Self.sibling(of: artifacts, named: "downloads")
    }

    private static func sibling(of path: String, named name: String) -> String {
        let steps = path.split(separator: "/").dropLast()
        return "/" + (steps.map(String.init) + [name]).joined(separator: "/")
    }
}
