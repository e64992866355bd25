/// Text from elsewhere, written so that what a person sees is what there is.
public enum VisibleText {
    /// The longest run of spaces that is shown as it is: a longer one could push what follows out of sight.
    static let longestGap = 8
    /// The most marks on one letter that are shown as they are: more would grow over the lines around it.
    static let mostMarks = 4

    /// `text` on one line. Characters that are invisible, break the line, steer the terminal or turn the direction of
    /// reading become `\u{…}` (`\n`, `\r`, `\t` in their short form), and so do more than four marks on one letter; a long
    /// run of spaces becomes `⟨10240 spaces⟩`. Letters of every script stay.
    public static func escaped(_ text: String) -> String {
        var output = ""
        var spaces = 0
        var marks = 0
        func endGap() {
            if spaces > longestGap {
                output += " ⟨\(spaces) spaces⟩ "
            } else {
                output += String(repeating: " ", count: spaces)
            }
            spaces = 0
        }
        for scalar in text.unicodeScalars {
            if scalar == " " {
                spaces += 1
                marks = 0
                continue
            }
            endGap()
            marks = isMark(scalar) ? marks + 1 : 0
            switch scalar {
            case "\n": output += "\\n"
            case "\r": output += "\\r"
            case "\t": output += "\\t"
            default:
                if isPlain(scalar), marks <= mostMarks {
                    output.unicodeScalars.append(scalar)
                } else {
                    output += "\\u{\(String(scalar.value, radix: 16))}"
                }
            }
        }
        endGap()
        return output
    }

    /// `escaped`, at most `limit` characters, with what was cut named.
    public static func escaped(_ text: String, limit: Int) -> String {
        let whole = escaped(text)
        guard whole.count > limit else { return whole }
        return "\(whole.prefix(limit)) … [cut: \(whole.count - limit) of \(whole.count) characters]"
    }

    private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark: true
        default: false
        }
    }

    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .spaceSeparator, .privateUse, .unassigned,
            .surrogate:
            false
        // Variation selectors and the like are marks that no one sees.
        default: !scalar.properties.isDefaultIgnorableCodePoint
        }
    }
}
