import JarvisCore
import JarvisFormats

/// What a change of the configuration needs to become effective, by the table.
package struct ConfigReloadPlan: Sendable, Hashable {
    /// The strongest need of all changed paths.
    package private(set) var action = ConfigField.Reload.none
    /// Read when used: nothing to do.
    package private(set) var none: [ConfigPath] = []
    /// One part starts anew.
    package private(set) var hot: [ConfigPath] = []
    /// The gateway restarts.
    package private(set) var restart: [ConfigPath] = []

    /// Classifies `paths`. A path without a row needs a restart.
    package init(changedPaths paths: [ConfigPath]) {
        for path in paths {
            let reload = Self.classify(path)
            action = max(action, reload)
            switch reload {
            case .none: none.append(path)
            case .hot: hot.append(path)
            case .restart: restart.append(path)
            }
        }
    }

    /// What a change at `path` needs: the nearest row above it decides, and rows below it when they need more, since
    /// a change of a whole section changes them too.
    package static func classify(_ path: ConfigPath) -> ConfigField.Reload {
        var node = ConfigFields.tree
        var reload: ConfigField.Reload?
        for element in path.elements {
            let next: SchemaNode? =
                switch element {
                case .key(let key): node.child(key) ?? node.child("*")
                case .index: node.child("[]")
                }
            guard let next else { return reload ?? .restart }
            node = next
            reload = node.field?.reload ?? reload
        }
        guard let reload else { return .restart }
        // The whole of `gateway` may have changed; of `agents` the heartbeat may.
        return max(reload, strongest(below: node))
    }

    private static func strongest(below node: SchemaNode) -> ConfigField.Reload {
        node.children.reduce(ConfigField.Reload.none) { result, child in
            max(result, child.node.field?.reload ?? .none, strongest(below: child.node))
        }
    }

    /// The channels of which something changed, each once.
    package var channels: [String] {
        var names: [String] = []
        for path in hot {
            guard path.elements.first == .key("channels"), case .key(let name)? = path.elements.dropFirst().first else {
                continue
            }
            if !names.contains(name) { names.append(name) }
        }
        return names
    }
}
