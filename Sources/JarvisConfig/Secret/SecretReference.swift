import JarvisCore

/// A value that stands elsewhere: `{source: "env", provider: "default", id: "OPENAI_API_KEY"}`.
struct SecretReference: Sendable, Hashable {
    enum Source: String, Sendable { case env, file, exec }

    var source: Source
    var id: String

    /// Nil when `value` is not such an object.
    init?(_ value: JSONValue) {
        guard let members = value.objectValue, let source = members["source"]?.stringValue.flatMap(Source.init),
            let id = members["id"]?.stringValue, members.keys.allSatisfy({ ["source", "provider", "id"].contains($0) })
        else { return nil }
        self.source = source
        self.id = id
    }
}
