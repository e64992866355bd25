import JarvisBrowser

/// The way from a tool to the instance's browsers.
package struct BrowserDoor: Sendable {
    /// Answers a request of the control service.
    package var handle: @Sendable (BrowserRequest) async -> BrowserReply
    /// Reads a file that a reply named, at most so many bytes; throws when it is larger or gone.
    package var read: @Sendable (_ path: String, _ limit: Int) async throws -> [UInt8]
    /// The browser profile that is used where none is named.
    package var defaultProfile: String
    /// Profiles that join a browser which a person uses (`driver: "existing-session"`).
    package var sharedProfiles: Set<String>

    /// A way.
    package init(
        defaultProfile: String = "jarvis", sharedProfiles: Set<String> = [],
        read: @escaping @Sendable (_ path: String, _ limit: Int) async throws -> [UInt8],
        handle: @escaping @Sendable (BrowserRequest) async -> BrowserReply
    ) {
        self.defaultProfile = defaultProfile
        self.sharedProfiles = sharedProfiles
        self.read = read
        self.handle = handle
    }
}
