import SystemPackage

/// The error that crosses a boundary: a stable code for programs, a message for people that is safe to show anywhere,
/// and the command that helps next.
///
/// `description` holds code and message only. `cause` may carry detail and is for logs.
public struct JarvisError: Error, Sendable, CustomStringConvertible {
    /// A stable, open word such as `config.parse` or `instance.locked`. Programs match codes, never messages.
    public struct Code: RawRepresentable, Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
        /// The word.
        public var rawValue: String
        /// A code from its word.
        public init(rawValue: String) { self.rawValue = rawValue }
        /// A code from its word.
        public init(stringLiteral value: String) { rawValue = value }
        /// The word.
        public var description: String { rawValue }
    }

    /// The stable code.
    public var code: Code
    /// What happened, naming the value, the place and the expected form. Never holds a secret.
    public var message: String
    /// The next command or step, when there is one.
    public var hint: String?
    /// Facts for programs, without secrets.
    public var metadata: [String: String]
    /// The process exit code a command that fails with this error ends with (1 failure, 2 usage or conflict, 78 do not
    /// restart me).
    public var exitCode: Int32
    /// What lay beneath, for logs.
    public var cause: (any Error)?

    /// An error with `code` and `message`; the rest is optional.
    public init(
        _ code: Code, _ message: String, hint: String? = nil, metadata: [String: String] = [:], exitCode: Int32 = 1,
        cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.hint = hint
        self.metadata = metadata
        self.exitCode = exitCode
        self.cause = cause
    }

    /// `code: message`.
    public var description: String { "\(code): \(message)" }
}

/// A failed system call: the call, its errno and the path or name it was about.
public struct SystemCallError: Error, Sendable, CustomStringConvertible {
    /// The name of the call: `open`, `fsync` …
    public var call: String
    /// The errno value.
    public var errorNumber: Int32
    /// The path or name that the call was about.
    public var subject: String?

    /// A failed call.
    public init(call: String, errorNumber: Int32, subject: String? = nil) {
        self.call = call
        self.errorNumber = errorNumber
        self.subject = subject
    }

    /// `open /x/y: No such file or directory (errno 2)`.
    public var description: String {
        let subject = subject.map { " \($0)" } ?? ""
        return "\(call)\(subject): \(Self.text(errorNumber)) (errno \(errorNumber))"
    }

    /// The system's words for `errorNumber`.
    public static func text(_ errorNumber: Int32) -> String { Errno(rawValue: errorNumber).description }
}
