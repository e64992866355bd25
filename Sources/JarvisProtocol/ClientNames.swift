// lint: family names — clients of the family announce themselves by these words.

/// The names that clients of this protocol family use. The upstream spellings are accepted beside ours, so that clients
/// which others wrote connect unchanged.
public enum ClientNames {
    /// `client.id`.
    public static let ids = [
        "webchat-ui", "jarvis-control-ui", "webchat", "cli", "gateway-client", "jarvis-macos", "jarvis-ios",
        "jarvis-android", "node-host", "test", "fingerprint", "jarvis-probe", "openclaw-control-ui", "openclaw-macos",
        "openclaw-ios", "openclaw-android", "openclaw-probe",
    ]

    /// `client.mode`.
    public static let modes = ["webchat", "cli", "ui", "backend", "node", "probe", "test"]

    /// Clients that run in a web page: their Origin is checked.
    public static let browserIds = ["webchat-ui", "webchat", "jarvis-control-ui", "openclaw-control-ui"]
}
