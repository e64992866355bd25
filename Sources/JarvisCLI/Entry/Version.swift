/// The program's version, semantic.
package enum Version {
    /// Bare, as `--version` prints it.
    package static let text = "0.1.0"
}
