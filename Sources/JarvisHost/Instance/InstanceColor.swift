/// The colour by which people tell instances apart, in the terminal and in the page.
package struct InstanceColor: Sendable, Hashable {
    /// The name for people.
    package let name: String
    /// `#rrggbb`: at least 3 : 1 against white and against the dark page.
    package let hex: String
    /// The nearest colour of the 256-colour terminal palette.
    package let ansi: Int

    /// All of them, in an order that never changes: the choice for an instance is an index into it.
    package static let palette: [InstanceColor] = [
        InstanceColor(name: "blue", hex: "#3b82f6", ansi: 69),
        InstanceColor(name: "orange", hex: "#d9730d", ansi: 172),
        InstanceColor(name: "teal", hex: "#0d9488", ansi: 30),
        InstanceColor(name: "pink", hex: "#db2777", ansi: 162),
        InstanceColor(name: "violet", hex: "#8b5cf6", ansi: 99),
        InstanceColor(name: "green", hex: "#16a34a", ansi: 35),
        InstanceColor(name: "red", hex: "#dc4444", ansi: 167),
        InstanceColor(name: "olive", hex: "#7c8b13", ansi: 100),
        InstanceColor(name: "cyan", hex: "#0891b2", ansi: 31),
        InstanceColor(name: "brown", hex: "#a16207", ansi: 130),
        InstanceColor(name: "slate", hex: "#64748b", ansi: 66),
        InstanceColor(name: "magenta", hex: "#c026d3", ansi: 164),
    ]

    /// The colour of an instance: stable for its instance id, or before it has one for its name.
    package static func of(instanceId: String?, name: String) -> InstanceColor {
        palette[Int(StableHash.fnv1a(instanceId ?? name) % UInt64(palette.count))]
    }

    /// `text` in this colour for a terminal; unchanged when `enabled` is false.
    package func paint(_ text: String, enabled: Bool) -> String {
        enabled ? "\u{1B}[38;5;\(ansi)m\(text)\u{1B}[0m" : text
    }
}

/// A hash that is the same in every process and version, unlike the standard library's.
package enum StableHash {
    /// FNV-1a, 64 bits, over the UTF-8 bytes of `text`.
    package static func fnv1a(_ text: String) -> UInt64 {
        text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
    }
}
