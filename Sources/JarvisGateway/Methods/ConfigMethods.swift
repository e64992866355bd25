import JarvisConfig
import JarvisCore
import JarvisFormats
import JarvisProtocol

/// `config.*`. Every write goes through the same store as the terminal's, so hash, validation, journal and backups are
/// the same.
enum ConfigMethods {
    static let handlers: [String: MethodHandler] = [
        "config.get": .concurrent { gateway, _ in
            let store = gateway.configStore
            let snapshot = try await Blocking.run { store.load() }
            return gateway.configDocument(snapshot)
        },
        "config.set": .ordered { gateway, call in
            let result = try await gateway.writeConfig(call) { store, raw, base in
                try store.replace(raw: raw, actor: "rpc", base: base)
            }
            return ["ok": true, "path": .string(result.path), "config": result.snapshot.redacted()]
        },
        "config.apply": .ordered { gateway, call in
            try gateway.admitControlPlaneWrite(call.connection)
            let result = try await gateway.writeConfig(call) { store, raw, base in
                try store.replace(raw: raw, actor: "rpc", base: base)
            }
            return gateway.applied(result, call)
        },
        "config.patch": .ordered { gateway, call in
            try gateway.admitControlPlaneWrite(call.connection)
            let patch = try gateway.parsePatch(call.string("raw") ?? "")
            let result = try await gateway.writeConfig(call) { store, _, base in
                try store.patch(patch, actor: "rpc", base: base)
            }
            return gateway.applied(result, call)
        },
        "config.schema": .immediate { gateway, _ in
            [
                "schema": ConfigSchema.jsonSchema(), "uiHints": ConfigSchema.uiHints(),
                "version": .string(gateway.version), "generatedAt": .string(WallClock.iso8601(gateway.clock.now())),
            ]
        },
    ]
}

extension Gateway {
    func configDocument(_ snapshot: ConfigSnapshot) -> JSONValue {
        .members([
            "path": .string(snapshot.path), "exists": .bool(snapshot.exists),
            "raw": snapshot.redactedRaw().map(JSONValue.string) ?? .null, "parsed": snapshot.parsed,
            "resolved": snapshot.redacted(), "valid": .bool(snapshot.isValid), "config": snapshot.redacted(),
            "hash": snapshot.hash.map(JSONValue.string), "activeHash": config.hash.map(JSONValue.string),
            "issues": .array(snapshot.errors.map(\.json)),
            "warnings": .array(snapshot.warnings.map(\.json)), "legacyIssues": [],
        ])
    }

    fileprivate func parsePatch(_ raw: String) throws -> JSONValue {
        let patch: JSONValue
        do {
            patch = try JSON5.parse(Array(raw.utf8))
        } catch {
            throw WireError.invalidRequest("invalid config.patch params: 'raw' is not JSON5: \(error)")
        }
        guard patch.objectValue != nil else {
            throw WireError.invalidRequest(
                "invalid config.patch params: 'raw' must be an object, found \(patch.kindName)")
        }
        return patch
    }

    fileprivate func writeConfig(
        _ call: MethodCall,
        _ write: @escaping @Sendable (ConfigStore, String, ConfigBase) throws -> ConfigWriteResult
    ) async throws -> ConfigWriteResult {
        let store = configStore
        let raw = call.string("raw") ?? ""
        let base = ConfigBase.hash(call.string("baseHash"))
        let result = try await Blocking.run { [changePort, config] in
            // Malformed text names no port; the write says what is wrong with it.
            let wanted = (try? JSON5.parse(Array(raw.utf8)))?["gateway"]?["port"]?.intValue  // see above
            guard let wanted, (1...65_535).contains(wanted), wanted != config.config.gateway.port else {
                return try write(store, raw, base)
            }
            return try changePort(wanted) { try write(store, raw, base) }
        }
        adopt(result.snapshot, restartDelayMs: call.int("restartDelayMs") ?? 2000)
        return result
    }

    fileprivate func applied(_ result: ConfigWriteResult, _ call: MethodCall) -> JSONValue {
        let needsRestart = result.reload.action == .restart
        let delay = call.int("restartDelayMs") ?? 2000
        return .members([
            "ok": true, "path": .string(result.path), "config": result.snapshot.redacted(),
            "undoId": result.undoId.map(JSONValue.string),
            "restart": .members([
                "required": .bool(needsRestart), "scheduled": .bool(needsRestart),
                "delayMs": needsRestart ? JSONValue(delay) : nil,
                "paths": JSONValue(result.reload.restart.map(\.description)),
            ]),
            "sentinel": [
                "path": .string(instance.paths.runtimeFile),
                "payload": .members([
                    "kind": "config", "ts": .int(clock.now()), "note": call.string("note").map(JSONValue.string),
                    "sessionKey": call.string("sessionKey").map(JSONValue.string),
                ]),
            ],
        ])
    }
}
