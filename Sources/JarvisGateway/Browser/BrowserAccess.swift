// lint: family names — clients that others wrote put the secret into a header of that name.
import FoundationEssentials
import JarvisBrowser
import JarvisConfig
import JarvisCore

/// Who may use the control service. Pure: headers and secrets go in, a decision comes out.
///
/// A page of any site can send requests to a loopback port, so neither the address nor anything that a web browser adds
/// by itself (cookies, a query in a link) counts as a credential: only headers that a foreign page can't set do.
enum BrowserAccess {
    /// Headers that carry the secret as it is, besides `Authorization`.
    private static let secretHeaders = ["x-jarvis-password", "x-openclaw-password"]

    /// Every secret that a request shows: bearer token, password header, the password of HTTP Basic.
    static func shown(_ headers: (String) -> [String]) -> [String] {
        var found = secretHeaders.flatMap(headers)
        for value in headers("authorization") {
            let parts = value.split(separator: " ", maxSplits: 1)
            guard parts.count == 2 else { continue }
            let credential = parts[1].drop { $0 == " " }
            switch parts[0].lowercased() {
            case "bearer": found.append(String(credential))
            case "basic":
                guard let data = Data(base64Encoded: String(credential)),
                    let pair = String(validating: data, as: UTF8.self), let colon = pair.firstIndex(of: ":")
                else { continue }
                found.append(String(pair[pair.index(after: colon)...]))
            default: continue
            }
        }
        return found.filter { !$0.isEmpty }
    }

    /// Whether a request may be answered. The first right secret counts; each is compared in the same time.
    static func check(_ shown: [String], against secret: Secret?) -> SharedSecretAuth.Verdict {
        guard let secret, !secret.reveal().isEmpty else { return .notConfigured }
        guard !shown.isEmpty else { return .missing }
        let isRight = shown.reduce(false) { Identifiers.equalSecrets($1, secret.reveal()) || $0 }
        return isRight ? .accepted : .mismatch
    }

    /// Whether a request comes from a page that is not ours, going by what web browsers say of themselves. The service
    /// has no pages, so only an address that a person typed (`none`) or a program passes.
    /// Every value of a field counts, however often it is there.
    static func isForeignPage(host: String, origins: [String], referers: [String], fetchSites: [String]) -> Bool {
        let own = "http://\(host)"
        return origins.contains { $0 != own }
            || referers.contains { !$0.isEmpty && $0 != own && !$0.hasPrefix(own + "/") }
            || fetchSites.contains { $0 != "none" && $0 != "same-origin" }
    }

    /// Whether a route needs the scope `operator.admin` over RPC: those that change the configuration or throw a
    /// profile's data away. Everything else needs `operator.write`.
    static func needsAdmin(_ method: String, _ path: String) -> Bool {
        guard let route = BrowserRoutes.find(method, path)?.route else { return false }
        return ["POST /profiles/create", "DELETE /profiles/:name", "POST /reset-profile"].contains(
            "\(route.method) \(route.path)")
    }
}

extension SharedSecretAuth {
    /// The secret of the control service: that of the gateway, also where its own clients need none.
    var controlSecret: Secret? { mode == .password ? password : (token ?? password) }
}
