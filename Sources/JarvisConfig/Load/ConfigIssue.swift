import JarvisCore

/// Something wrong with the configuration, for people and programs. Never holds a secret.
package struct ConfigIssue: Sendable, Hashable, CustomStringConvertible {
    /// How bad it is.
    package enum Severity: String, Sendable, Hashable {
        /// The value, or the section, is not used.
        case error
        /// Worth knowing; everything is used.
        case warning
    }

    /// What kind of thing is wrong, for programs.
    package enum Code: String, Sendable, Hashable {
        /// The file can't be read at all.
        case read
        /// The text is no JSON5.
        case syntax
        /// An include is broken.
        case include
        /// A variable or reference leads nowhere. That depends on the environment of the reader, so a write of such a
        /// reference is allowed.
        case variable
        /// A value is not what the table expects.
        case value
        /// A key that the table does not have.
        case unknownKey = "unknown-key"
        /// Something else worth knowing.
        case note
    }

    /// The path as text, `(root)` for the whole file.
    package var path: String
    /// What is wrong, what was expected, and what JARVIS does instead.
    package var message: String
    /// How bad it is.
    package var severity: Severity
    /// What kind of thing is wrong.
    package var code: Code
    /// The file that holds it, when there is one.
    package var file: String?
    /// The line in that file, from 1.
    package var line: Int?
    /// The column in UTF-8 bytes, from 1.
    package var column: Int?

    init(
        path: String, message: String, severity: Severity, code: Code, file: String? = nil, line: Int? = nil,
        column: Int? = nil
    ) {
        self.path = path
        self.message = message
        self.severity = severity
        self.code = code
        self.file = file
        self.line = line
        self.column = column
    }

    /// `gateway.port (line 3, column 5): expected …`.
    package var description: String {
        guard let line, let column else { return "\(path): \(message)" }
        return "\(path) (line \(line), column \(column)): \(message)"
    }

    /// `{path, message, severity, code, file?, line?, column?}`, the form of the wire.
    package var json: JSONValue {
        .members([
            "path": .string(path), "message": .string(message), "severity": .string(severity.rawValue),
            "code": .string(code.rawValue), "file": file.map(JSONValue.string), "line": line.map { JSONValue($0) },
            "column": column.map { JSONValue($0) },
        ])
    }
}
