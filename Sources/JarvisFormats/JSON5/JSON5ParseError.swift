/// Why a JSON5 text was refused, and where.
package struct JSON5ParseError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong, for a person: "unexpected 'x', expected a value".
    package var reason: String
    /// The byte at which it went wrong, from 0.
    package var offset: Int
    /// The line of that byte, from 1.
    package var line: Int
    /// The column of that byte in UTF-8 bytes, from 1.
    package var column: Int

    /// `line 3, column 7: unexpected 'x', expected a value`.
    package var description: String { "line \(line), column \(column): \(reason)" }
}
