import JarvisConfig
import JarvisHost

/// Where the page is. A token travels in the fragment, which a browser never sends anywhere.
struct DashboardAddress {
    let port: Int
    let basePath: String
    /// The token to hand over; nil leaves it out.
    let token: String?

    /// `http://127.0.0.1:18789/#token=…`.
    var text: String {
        var path = basePath.hasPrefix("/") ? basePath : "/\(basePath)"
        if !path.hasSuffix("/") { path += "/" }
        return "http://127.0.0.1:\(port)\(path)" + (token.map { "#token=\(Self.escaped($0))" } ?? "")
    }

    /// The token that clients of this instance use: environment, then configuration; nil in other modes.
    static func token(_ config: Config, environment: HostEnvironment) -> String? {
        guard config.gateway.auth.effectiveMode == .token else { return nil }
        return environment["JARVIS_GATEWAY_TOKEN"] ?? config.gateway.auth.token?.reveal()
    }

    private static func escaped(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                result += digits.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return result
    }
}
