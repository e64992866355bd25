import JarvisCore

/// A secret from the configuration. It can't be printed, encoded or interpolated by accident: only `reveal()` gives it.
package struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// What stands for a secret in everything that leaves the process. A write that holds it keeps the stored secret.
    package static let sentinel = "__JARVIS_REDACTED__"

    private let text: String

    /// Wraps `text`.
    package init(_ text: String) { self.text = text }

    /// The secret itself: for the request that needs it, never for a log, an error or a file.
    package func reveal() -> String { text }

    /// Whether `candidate` is the secret, in a time that does not tell where they differ.
    package func matches(_ candidate: String) -> Bool { Identifiers.equalSecrets(text, candidate) }

    /// Always the same words.
    package var description: String { "<redacted>" }
    /// Always the same words.
    package var debugDescription: String { "<redacted>" }
    /// Nothing to see.
    package var customMirror: Mirror { Mirror(self, children: []) }
}
