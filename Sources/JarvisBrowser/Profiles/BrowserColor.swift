/// Colours of browser profiles: `#RRGGBB` in upper case.
package enum BrowserColor {
    /// What new profiles get, the first unused one; then from the beginning.
    package static let palette = [
        "#FF4500", "#0066CC", "#00AA00", "#9933FF", "#FF6699", "#00CCCC", "#FF9900", "#6666FF", "#CC3366", "#339966",
    ]

    /// `text` in the usual spelling (`ff4500` is `#FF4500`); nil when it is no colour.
    package static func normalized(_ text: String) -> String? {
        let digits = text.hasPrefix("#") ? text.dropFirst() : text[...]
        guard digits.utf8.count == 6, digits.utf8.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }) else {
            return nil
        }
        return "#" + digits.uppercased()
    }

    /// The colour of a new profile beside profiles with the colours `used`.
    package static func next(used: [String]) -> String {
        palette.first { !used.contains($0) } ?? palette[used.count % palette.count]
    }
}
