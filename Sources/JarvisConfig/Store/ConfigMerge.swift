import JarvisCore
import JarvisFormats

/// What a JSON merge patch asks for, as single changes.
struct ConfigMerge {
    enum Change: Sendable {
        case set(ConfigPath, JSONValue)
        case remove(ConfigPath)

        var path: ConfigPath {
            switch self {
            case .set(let path, _), .remove(let path): path
            }
        }
    }

    private(set) var changes: [Change] = []

    /// Null deletes, objects join, arrays whose elements all have an `id` join by it, anything else replaces.
    init(_ patch: JSONValue, onto current: JSONValue) { merge(patch, current, ConfigPath()) }

    private mutating func merge(_ patch: JSONValue, _ current: JSONValue?, _ path: ConfigPath) {
        if case .object(let members) = patch {
            guard let current, current.objectValue != nil else {
                changes.append(.set(path, Self.withoutNulls(patch)))
                return
            }
            for (key, member) in members {
                let inner = path.appending(key)
                if member == .null {
                    changes.append(.remove(inner))
                } else {
                    merge(member, current[key], inner)
                }
            }
        } else if case .array(let elements) = patch, let existing = current?.arrayValue,
            let ids = Self.ids(elements), let known = Self.ids(existing)
        {
            var next = existing.count
            for (element, id) in zip(elements, ids) {
                if let index = known.firstIndex(of: id) {
                    merge(element, existing[index], path.appending(.index(index)))
                } else {
                    changes.append(.set(path.appending(.index(next)), Self.withoutNulls(element)))
                    next += 1
                }
            }
        } else {
            changes.append(.set(path, patch))
        }
    }

    private static func withoutNulls(_ value: JSONValue) -> JSONValue {
        guard case .object(let members) = value else { return value }
        var result = JSONObject()
        for (key, member) in members where member != .null { result[key] = withoutNulls(member) }
        return .object(result)
    }

    /// The ids of the elements, when all are objects with an id of their own.
    static func ids(_ elements: [JSONValue]) -> [String]? {
        let ids = elements.compactMap { $0["id"]?.stringValue }
        return ids.count == elements.count && Set(ids).count == ids.count ? ids : nil
    }
}

/// Puts stored secrets back where a client sent the sentinel.
enum ConfigSentinel {
    /// `value` with every sentinel replaced by what `original` holds in its place. Elements of a list are found by
    /// `id` when they have one.
    ///
    /// - Throws: `config.sentinel` when nothing is stored there.
    static func restore(
        _ value: JSONValue, from original: JSONValue?, at path: ConfigPath
    ) throws(JarvisError) -> JSONValue {
        switch value {
        case .string(Secret.sentinel):
            guard let original, original != .string(Secret.sentinel) else {
                throw JarvisError(
                    "config.sentinel",
                    "\(path) is \(Secret.sentinel), but no secret is stored there; nothing was written",
                    hint: "send the value itself, or leave the key out", exitCode: 2)
            }
            return original
        case .array(let elements):
            let known = original?.arrayValue ?? []
            let ids = ConfigMerge.ids(elements).map { ($0, known.map { $0["id"]?.stringValue }) }
            var result: [JSONValue] = []
            for (index, element) in elements.enumerated() {
                let source: JSONValue? =
                    if let ids {
                        ids.1.firstIndex(of: ids.0[index]).map { known[$0] }
                    } else {
                        known.count == elements.count ? known[index] : nil
                    }
                result.append(try restore(element, from: source, at: path.appending(.index(index))))
            }
            return .array(result)
        case .object(let members):
            var result = JSONObject()
            for (key, member) in members {
                result[key] = try restore(member, from: original?[key], at: path.appending(key))
            }
            return .object(result)
        default: return value
        }
    }
}
