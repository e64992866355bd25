import JarvisCore
import JarvisFormats

/// Which values two gateways of one host may have in common: what a clone copies, leaves out and makes anew.
///
/// A row that says `sharing` decides for itself and for what lies below it. A row that says nothing is `exclusive` when
/// it is a secret, else `share`. Where no row describes the key, its name decides: what is called like a secret, like
/// the address of a chat account or like a port to listen on is exclusive.
///
/// Keys of model providers are shared although they are secrets: two gateways may call one provider with one key and
/// nothing gets lost, while a bot token that two gateways poll with loses every second message.
package enum ConfigSharing {
    /// What becomes of the value at `path` in a copy.
    package static func of(_ path: ConfigPath) -> ConfigField.Sharing {
        var node: SchemaNode? = ConfigFields.tree
        var said: ConfigField.Sharing?
        for element in path.elements {
            node = node?.next(element)
            said = node?.field?.sharing ?? said
        }
        if let said { return said }
        if let field = node?.field { return of(field) }
        return isExclusive(undeclared: path) ? .exclusive : .share
    }

    /// What becomes of a value that `field` describes, rows above it left aside.
    package static func of(_ field: ConfigField) -> ConfigField.Sharing {
        field.sharing ?? (field.sensitive ? .exclusive : .share)
    }

    /// The names below `channels` that address one account: two gateways with the same one fight for its messages.
    private static let accountNames: Set<String> = [
        "account", "accountid", "phonenumber", "number", "authdir", "botid", "botuserid", "appid", "clientid",
        "deviceid", "jid", "nick", "tokenfile", "passwordfile", "credentialsfile", "webhookurl", "webhookpath",
        "webhookport", "storepath",
    ]

    /// Places outside the table that two gateways would both write into.
    private static let places: [[String]] = [
        ["browser", "userDataDir"], ["canvasHost", "root"], ["canvas", "root"], ["media", "dir"], ["cron", "store"],
        ["agents", "defaults", "memorySearch", "store", "path"], ["agents", "defaults", "sandbox", "workspaceRoot"],
        ["diagnostics", "cacheTrace", "filePath"],
    ]

    private static func isExclusive(undeclared path: ConfigPath) -> Bool {
        guard let name = path.name else { return false }
        if SecretRules.isSensitive(name: name) || places.contains(where: { $0.map(PathElement.key) == path.elements }) {
            return true
        }
        let folded = name.lowercased().filter { $0 != "_" && $0 != "-" }
        switch path.elements.first {
        case .key("channels"): return accountNames.contains(folded)
        // The port of a server somewhere, not one to listen on.
        case .key("models"), .key("tools"): return false
        default: return folded == "port" || folded.hasSuffix("port") && name.hasSuffix("Port")
        }
    }
}

extension SchemaNode {
    fileprivate func next(_ element: PathElement) -> SchemaNode? {
        switch element {
        case .key(let key): child(key) ?? child("*")
        case .index: child("[]")
        }
    }
}
