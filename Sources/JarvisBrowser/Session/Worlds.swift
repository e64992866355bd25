import JarvisCore

/// The JavaScript worlds of a tab's frames: the page's own, and ours that the page can't see.
struct Worlds: Sendable {
    /// The name of our world.
    static let name = "jarvis"

    /// One world.
    struct World: Sendable, Hashable {
        var session: String
        var id: Int
    }

    private(set) var own: [String: World] = [:]
    private(set) var isolated: [String: World] = [:]

    /// `Runtime.executionContextCreated`; gives the frame when it is one of ours.
    mutating func created(_ context: JSONValue, session: String) {
        guard let id = context["id"]?.intValue, let frame = context["auxData"]?["frameId"]?.stringValue else { return }
        let world = World(session: session, id: id)
        if context["auxData"]?["isDefault"]?.boolValue == true {
            own[frame] = world
        } else if context["name"]?.stringValue == Self.name {
            isolated[frame] = world
        }
    }

    /// `Page.createIsolatedWorld` has answered.
    mutating func made(_ id: Int, frame: String, session: String) {
        isolated[frame] = World(session: session, id: id)
    }

    /// `Runtime.executionContextDestroyed`, or a call has found it gone.
    mutating func destroyed(_ id: Int, session: String) {
        let gone = World(session: session, id: id)
        own = own.filter { $0.value != gone }
        isolated = isolated.filter { $0.value != gone }
    }

    /// `Runtime.executionContextsCleared`, or the session has ended.
    mutating func cleared(session: String) {
        own = own.filter { $0.value.session != session }
        isolated = isolated.filter { $0.value.session != session }
    }
}
