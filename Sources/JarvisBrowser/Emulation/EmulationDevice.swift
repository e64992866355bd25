/// A device that a tab can look like.
struct EmulationDevice: Sendable, Hashable {
    /// What its browser calls itself.
    enum Agent: Sendable, Hashable {
        /// As the real browser.
        case own
        /// Chrome on Android, with the model.
        case android(version: String, model: String, tablet: Bool)
        /// Safari on iOS.
        case ios(version: String, device: String)
    }

    var name: String
    /// CSS pixels, upright.
    var width: Int
    var height: Int
    /// Device pixels for one CSS pixel.
    var scale: Double
    var isMobile: Bool
    var agent: Agent

    /// The table.
    static let all: [EmulationDevice] = [
        phone("iPhone SE", 375, 667, 2, .ios(version: "17_5", device: "iPhone")),
        phone("iPhone 12", 390, 844, 3, .ios(version: "17_5", device: "iPhone")),
        phone("iPhone 13", 390, 844, 3, .ios(version: "17_5", device: "iPhone")),
        phone("iPhone 14", 390, 844, 3, .ios(version: "17_5", device: "iPhone")),
        phone("iPhone 14 Pro Max", 430, 932, 3, .ios(version: "17_5", device: "iPhone")),
        phone("iPhone 15", 393, 852, 3, .ios(version: "17_5", device: "iPhone")),
        phone("iPhone 15 Pro", 393, 852, 3, .ios(version: "17_5", device: "iPhone")),
        phone("iPhone 15 Pro Max", 430, 932, 3, .ios(version: "17_5", device: "iPhone")),
        phone("iPad Mini", 768, 1024, 2, .ios(version: "17_5", device: "iPad")),
        phone("iPad (gen 7)", 810, 1080, 2, .ios(version: "17_5", device: "iPad")),
        phone("iPad Pro 11", 834, 1194, 2, .ios(version: "17_5", device: "iPad")),
        phone("Pixel 5", 393, 851, 2.75, .android(version: "14", model: "Pixel 5", tablet: false)),
        phone("Pixel 7", 412, 915, 2.625, .android(version: "14", model: "Pixel 7", tablet: false)),
        phone("Pixel 8", 412, 915, 2.625, .android(version: "14", model: "Pixel 8", tablet: false)),
        phone("Galaxy S8", 360, 740, 3, .android(version: "9", model: "SM-G950U", tablet: false)),
        phone("Galaxy S9+", 320, 658, 4.5, .android(version: "10", model: "SM-G965U", tablet: false)),
        phone("Galaxy S24", 360, 780, 3, .android(version: "14", model: "SM-S921U", tablet: false)),
        phone("Galaxy Tab S4", 712, 1138, 2.25, .android(version: "10", model: "SM-T837A", tablet: true)),
        desktop("Desktop Chrome", 1280, 720, 1),
        desktop("Desktop Chrome HiDPI", 1280, 720, 2),
        desktop("Desktop 1080p", 1920, 1080, 1),
    ]

    private static func phone(_ name: String, _ width: Int, _ height: Int, _ scale: Double, _ agent: Agent) -> Self {
        Self(name: name, width: width, height: height, scale: scale, isMobile: true, agent: agent)
    }

    private static func desktop(_ name: String, _ width: Int, _ height: Int, _ scale: Double) -> Self {
        Self(name: name, width: width, height: height, scale: scale, isMobile: false, agent: .own)
    }

    /// The device with this name, in any case of letters; `… landscape` turns it. Nil: `none`, no emulation.
    ///
    /// - Throws: `BrowserError` 400 `unknown_device` with the names that there are.
    static func named(_ text: String) throws(BrowserError) -> EmulationDevice? {
        var wanted = text.lowercased()
        if wanted == "none" { return nil }
        let isTurned = wanted.hasSuffix(" landscape")
        if isTurned { wanted = String(wanted.dropLast(10)) }
        guard var device = all.first(where: { $0.name.lowercased() == wanted }) else {
            throw BrowserError(
                400, "unknown_device",
                "There is no device \"\(text.prefix(60))\". There are: \(all.map(\.name).joined(separator: ", ")); each also "
                    + "with \" landscape\"; none ends it.")
        }
        if isTurned {
            swap(&device.width, &device.height)
            device.name += " landscape"
        }
        return device
    }

    /// What it calls itself, made from what the real browser does. Nil: as the real one.
    func userAgent(own: String) -> String? {
        switch agent {
        case .own: return nil
        case .ios(let version, let device):
            let safari = version.split(separator: "_").joined(separator: ".")
            let system = device == "iPhone" ? "CPU iPhone OS \(version)" : "CPU OS \(version)"
            return "Mozilla/5.0 (\(device); \(system) like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
                + "Version/\(safari) Mobile/15E148 Safari/604.1"
        case .android(let version, let model, let tablet):
            let chrome =
                own.split(separator: " ").first { $0.contains("Chrome/") }?.split(separator: "/").last ?? "131.0.0.0"
            return "Mozilla/5.0 (Linux; Android \(version); \(model)) AppleWebKit/537.36 (KHTML, like Gecko) "
                + "Chrome/\(chrome)\(tablet ? "" : " Mobile") Safari/537.36"
        }
    }

    /// `navigator.platform`.
    var platform: String? {
        switch agent {
        case .own: nil
        case .ios(_, let device): device
        case .android: "Linux armv81"
        }
    }
}
