import JarvisCore
import JarvisProtocol

/// One call of a method, after its scope and parameters were checked.
struct MethodCall: Sendable {
    /// The request's id.
    let id: String
    let params: JSONValue
    /// The caller.
    let connection: Int

    /// The string parameter `name`.
    func string(_ name: String) -> String? { params[name]?.stringValue }
    /// The whole-number parameter `name`.
    func int(_ name: String) -> Int? { params[name]?.intValue }
    /// The boolean parameter `name`; absent counts as false.
    func flag(_ name: String) -> Bool { params[name]?.boolValue ?? false }
    /// The array-of-strings parameter `name`.
    func strings(_ name: String) -> [String]? { params[name]?.arrayValue?.compactMap(\.stringValue) }
}

/// How a method is run.
enum MethodHandler: Sendable {
    /// Answers at once, on the event loop.
    case immediate(@Sendable (isolated Gateway, MethodCall) throws -> JSONValue)
    /// Answers at once with bytes when it can (nil = not now), else as `concurrent`.
    case cached(
        @Sendable (isolated Gateway, MethodCall) -> [UInt8]?,
        @Sendable (isolated Gateway, MethodCall) async throws -> JSONValue)
    /// Waits for something, in any order with other calls.
    case concurrent(@Sendable (isolated Gateway, MethodCall) async throws -> JSONValue)
    /// Waits for something, after the ordered calls that the same connection made before.
    case ordered(@Sendable (isolated Gateway, MethodCall) async throws -> JSONValue)
}

/// The methods that the gateway answers: every descriptor of the protocol with its handler.
enum MethodTable {
    /// A method and what runs it.
    struct Entry: Sendable {
        let descriptor: MethodDescriptor
        let handler: MethodHandler
    }

    /// One line a family; a test checks that descriptors and handlers are the same set.
    static let handlers: [String: MethodHandler] = [
        SystemMethods.handlers, ChatMethods.handlers, AgentMethods.handlers, SessionMethods.handlers,
        ConfigMethods.handlers, CatalogMethods.handlers, DeviceMethods.handlers, ApprovalMethods.handlers,
        BrowserMethods.handlers, CanvasMethods.handlers,
    ].reduce(into: [:]) { $0.merge($1) { _, last in last } }

    /// By name.
    static let entries: [String: Entry] = Dictionary(
        uniqueKeysWithValues: MethodDescriptor.all.compactMap { descriptor in
            handlers[descriptor.name].map { (descriptor.name, Entry(descriptor: descriptor, handler: $0)) }
        })

    /// The names that `hello-ok.features` announces.
    static let names: [JSONValue] = MethodDescriptor.all.map { .string($0.name) }
}
