import JarvisCore

/// One browser profile: a user-data directory and a debugging endpoint of this instance.
package struct BrowserProfile: Sendable, Hashable {
    /// Its name: `^[a-z0-9][a-z0-9-]*$`, at most 64 bytes.
    package var name: String

    /// A profile.
    package init(name: String) { self.name = name }
}
