import JarvisCore

/// The ports of one gateway: its base and what the family derives from it.
package struct PortSpan: Sendable, Hashable {
    /// HTTP, WebSocket and canvas.
    package let base: Int
    /// The browser control service, on loopback only: base + 2.
    package var browserControl: Int { base + 2 }
    /// Debugging ports of browser profiles: control + 9 to control + 108, one a profile.
    package var browserProfiles: ClosedRange<Int> { (base + 11)...(base + 110) }

    /// The highest base whose derived ports exist.
    package static let highestBase = 65_535 - 110

    /// The span of `base`.
    ///
    /// - Throws: `port.range`, exit 2, when the base or a derived port lies outside 1 to 65535.
    package init(base: Int) throws(JarvisError) {
        guard (1...Self.highestBase).contains(base) else {
            throw JarvisError(
                "port.range",
                "Base port \(base) is out of range: base and derived ports (base + 2, base + 11 to base + 110)"
                    + " must lie in 1 to 65535, so the base in 1 to \(Self.highestBase).",
                hint: "Choose a base port such as \(PortPlan.defaultBase).", metadata: ["port": String(base)],
                exitCode: 2)
        }
        self.base = base
    }

    /// How the base of another gateway on this host relates to this one.
    package enum Spacing: Sendable, Hashable {
        /// Fewer than 20 apart: refused.
        case tooClose
        /// 20 to 110 apart: works, and so many browser profiles fit before the lower gateway meets the higher one.
        case shared(browserProfiles: Int)
        /// No port in common.
        case clear
    }

    /// The least distance between two bases.
    package static let leastSpacing = 20

    /// The spacing to `other`, whichever is higher.
    package func spacing(to other: Int) -> Spacing {
        let distance = abs(base - other)
        if distance < Self.leastSpacing { return .tooClose }
        return distance <= 110 ? .shared(browserProfiles: distance - 11) : .clear
    }
}
