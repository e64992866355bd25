import JarvisCore

/// One thing that two instances can both touch.
package struct Overlap: Sendable, Hashable {
    /// How bad it is.
    package enum Severity: String, Sendable {
        /// Certain: running both, they get in each other's way. `fleet check` ends with 1 and nothing new may add one.
        case conflict
        /// Worth knowing; both can run.
        case note
    }

    /// One of the two owners.
    package struct Side: Sendable, Hashable {
        /// `default` or the profile's name.
        package var name: String
        /// The instance's id, where it has one.
        package var instanceId: String?
        /// Its state directory.
        package var stateDirectory: String
        /// What it uses the thing for.
        package var purpose: String
        /// The words that reach it: `jarvis --profile rescue`.
        package var command: String
    }

    /// What sort of thing.
    package var kind: Claim.Kind
    /// The thing itself.
    package var value: String
    /// The one owner.
    package var a: Side
    /// The other owner.
    package var b: Side
    /// How bad it is.
    package var severity: Severity
    /// What happens when both run.
    package var why: String
    /// The next command or step.
    package var next: String

    /// `{kind, value, severity, a, b, why, next}`.
    package var json: JSONValue {
        [
            "kind": .string(kind.rawValue), "value": .string(value), "severity": .string(severity.rawValue),
            "a": a.json, "b": b.json, "why": .string(why), "next": .string(next),
        ]
    }
}

extension Overlap.Side {
    var json: JSONValue {
        .members([
            "name": .string(name), "instanceId": instanceId.map(JSONValue.string),
            "stateDir": .string(stateDirectory), "purpose": .string(purpose), "command": .string(command),
        ])
    }

    /// `“rescue” (/home/u/.jarvis-rescue)`.
    package var title: String { "“\(name)” (\(stateDirectory))" }
}
