import JarvisConfig
import JarvisCore
import JarvisHost

// MARK: For programs

extension GatewayStatusReport {
    /// The family's document, with the instance added.
    var json: JSONValue {
        .members([
            "instance": .members([
                "profile": .string(instance.displayName), "instanceId": instanceId.map(JSONValue.string),
                "stateDir": .string(instance.stateDirectory), "command": .string(instance.command),
            ]),
            "service": serviceJSON, "config": configJSON, "gateway": gatewayJSON, "port": portJSON,
            "lastError": lastError.map(JSONValue.string),
            "rpc": .members([
                "ok": .bool(answer != nil), "error": failure.map(JSONValue.string), "url": .string(url),
                "pid": answer == nil ? nil : proof.map { JSONValue(Int($0.proof.pid)) },
            ]),
            "extraServices": .array(
                foreign.map { service in
                    [
                        "label": .string(service.name), "detail": .string(service.path),
                        "scope": .string(service.scope == .system ? "system" : "user"),
                    ]
                }),
            "siblingServices": .array(siblings.map(\.json)),
        ])
    }

    private var serviceJSON: JSONValue {
        let kind = service?.manager ?? ServiceInstaller.usualKind
        let command = service.map { service -> JSONValue in
            .members([
                "programArguments": JSONValue(service.arguments),
                "workingDirectory": service.workingDirectory.map(JSONValue.string),
                "environment": .object(JSONObject(uniqueKeysWithValues: shownEnvironment(service))),
                "sourcePath": .string(service.path),
            ])
        }
        let missing = ServiceRuntime(status: .unknown, detail: "not installed", isMissing: true)
        return .members([
            "label": .string(kind.label), "name": service.map { .string($0.name) },
            "manager": service.map { .string($0.manager.rawValue) },
            "loaded": .bool(runtime?.isEnabled == true), "loadedText": .string(kind.loadedText),
            "notLoadedText": .string(kind.notLoadedText), "command": command ?? .null,
            "runtime": (runtime ?? missing).json,
            "configAudit": .members([
                "ok": .bool(issues.isEmpty && serviceProblem == nil), "issues": .array(issues.map(\.json)),
            ]),
            "problem": serviceProblem.map(JSONValue.string),
        ])
    }

    /// Only variables that a definition of ours has: a drop-in or an edit may hold a secret.
    private func shownEnvironment(_ service: InstalledService) -> [(String, JSONValue)] {
        let known = HostEnvironment.identityVariables.union(["HOME", "PATH", "JARVIS_HOME", "JARVIS_HOST_DIR"])
        return service.environment.sorted { $0.key < $1.key }.map { name, value in
            (name, .string(known.contains(name) ? value : "(not shown)"))
        }
    }

    private var configJSON: JSONValue {
        func describe(_ snapshot: ConfigSnapshot) -> JSONValue {
            .members([
                "path": .string(snapshot.path), "exists": .bool(snapshot.exists), "valid": .bool(snapshot.isValid),
                "issues": snapshot.errors.isEmpty ? nil : .array(snapshot.errors.map(\.json)),
            ])
        }
        return .members([
            "cli": describe(config),
            "daemon": service == nil ? nil : describe(serviceConfig ?? config),
            "mismatch": serviceConfig == nil ? nil : true,
        ])
    }

    private var gatewayJSON: JSONValue {
        let gateway = config.config.gateway
        return .members([
            "bindMode": .string(gateway.bind.rawValue),
            "bindHost": .string(proof?.exposure.hosts.first ?? "127.0.0.1"), "port": JSONValue(port.value),
            "portSource": .string(service?.port == port.value ? "service args" : "env/config"),
            "probeUrl": .string(url), "probeNote": probeNote.map(JSONValue.string),
        ])
    }

    private var portJSON: JSONValue {
        let listener = portStatus.holder.map { holder -> JSONValue in
            .members(["pid": JSONValue(Int(holder.pid)), "command": .string(holder.command)])
        }
        var hints: [String] = []
        if !portStatus.isFree, portStatus.owner != instance.displayName {
            hints = ["Port \(port.value) is used by \(portUser); this gateway can't start there."]
        }
        return [
            "port": JSONValue(port.value), "status": portStatus.isFree ? "free" : "busy",
            "listeners": .array(listener.map { [$0] } ?? []),
            "owner": portStatus.owner.map(JSONValue.string) ?? .null, "hints": JSONValue(hints),
        ]
    }

    private var portUser: String {
        if let owner = portStatus.owner { return "the gateway \"\(owner)\"" }
        return portStatus.holder?.description ?? "a program of another user"
    }

    private var probeNote: String? {
        guard let proof, let pid = runtime?.pid, proof.proof.pid != pid else { return nil }
        return "the gateway that answers is process \(proof.proof.pid), the service's is \(pid)"
    }
}

// MARK: For people

extension GatewayStatusReport {
    /// In the family's order.
    func text(_ terminal: Terminal) -> String {
        let color = InstanceColor.of(instanceId: instanceId, name: instance.displayName)
        var table = TextTable()
        for (name, value) in rows(terminal) { table.add("  \(name)", value) }
        var parts = [
            color.paint("● \(instance.displayName)", enabled: terminal.hasColor) + "  " + headline(terminal),
            table.text,
        ]
        let notes = issues.map { "\($0.message)\($0.detail.map { " (\($0))" } ?? "")" } + mismatch
        if !notes.isEmpty {
            parts.append(
                "Service\n" + notes.map { "  \(terminal.paint("note", .warn))  \($0)" }.joined(separator: "\n"))
        }
        if !foreign.isEmpty {
            let lines = foreign.map { "  \($0.name)  \($0.path)" }
            parts.append(
                "Other gateway-like services (left alone; give each gateway ports and a state directory of its own)\n"
                    + lines.joined(separator: "\n"))
        }
        parts.append("Next  " + nextStep)
        return parts.joined(separator: "\n\n")
    }

    private func headline(_ terminal: Terminal) -> String {
        if answer != nil || proof != nil { return terminal.paint("running", .success) }
        switch runtime?.status {
        case .running: return terminal.paint("running, but not answering", .warn)
        case .failed: return terminal.paint("failed", .error)
        case .stopped: return terminal.paint("stopped", .warn)
        default: return terminal.paint(service == nil ? "not installed, not running" : "unknown", .warn)
        }
    }

    private func rows(_ terminal: Terminal) -> [(String, String)] {
        let kind = service?.manager ?? ServiceInstaller.usualKind
        let isLoaded = runtime?.isEnabled == true
        var rows: [(String, String)] = [
            (
                "Service",
                service == nil
                    ? "not installed"
                    : "\(kind.label) \(isLoaded ? kind.loadedText : kind.notLoadedText): \(service?.name ?? "")"
            ),
            ("File logs", instance.paths.gatewayLog),
        ]
        if let service {
            rows += [
                ("Command", service.arguments.joined(separator: " ")), ("Service file", service.path),
                ("Working dir", service.workingDirectory ?? "not set"),
                (
                    "Service env",
                    "profile \(service.profile ?? "unset"), instance \(service.instanceId?.prefix(8) ?? "unset"), state"
                        + " \(service.stateDirectory ?? "unset")"
                ),
            ]
        }
        rows.append(
            ("Config (cli)", config.path + (config.exists ? (config.isValid ? "" : "  (has errors)") : "  (missing)")))
        if let path = service?.configPath { rows.append(("Config (service)", path)) }
        rows += [
            ("Gateway", "bind \(config.config.gateway.bind.rawValue), port \(port.value) (\(port.source))"),
            ("Probe target", url),
            (
                "Dashboard",
                DashboardAddress(port: port.value, basePath: config.config.gateway.controlUi.basePath, token: nil).text
            ),
        ]
        if let probeNote { rows.append(("Probe note", probeNote)) }
        rows.append(("Runtime", runtimeText))
        rows.append(("RPC probe", answer != nil ? "ok" : "failed: \(failure ?? "not asked")"))
        rows.append(("Listening", listening))
        if let lastError, answer == nil { rows.append(("Last error", Humanize.line(lastError, width: 120))) }
        return rows
    }

    private var runtimeText: String {
        guard let runtime else {
            return proof.map { "outside a service, pid \($0.proof.pid)" } ?? "no service"
        }
        var parts = [runtime.status.rawValue]
        if let pid = runtime.pid { parts.append("pid \(pid)") }
        if let sub = runtime.subState { parts.append("\(runtime.state ?? "") \(sub)") }
        if let exit = runtime.lastExitStatus { parts.append("last exit \(exit)") }
        if let reason = runtime.lastExitReason { parts.append(reason) }
        if let restarts = runtime.restarts, restarts > 0 { parts.append("restarted \(restarts) times") }
        if let detail = runtime.detail { parts.append(detail) }
        return parts.joined(separator: ", ")
    }

    private var listening: String {
        if let proof { return "\(proof.exposure.hosts.joined(separator: ", ")) port \(proof.base)" }
        return portStatus.isFree ? "nothing on port \(port.value)" : "port \(port.value) is used by \(portUser)"
    }

    private var mismatch: [String] {
        var notes = serviceProblem.map { [$0] } ?? []
        if let serviceConfig {
            notes.append(
                "The service reads \(serviceConfig.path), this command \(config.path)."
                    + " To bring the service here: \(instance.command) gateway install")
        } else if !issues.isEmpty {
            notes.append("To bring the service up to date: \(instance.command) gateway install")
        }
        return notes
    }

    private var nextStep: String {
        if service == nil {
            return proof == nil ? "\(instance.command) gateway install" : "\(instance.command) chat"
        }
        switch runtime?.status {
        case .running: return answer == nil ? "\(instance.command) logs" : "\(instance.command) chat"
        case .failed: return "\(instance.command) logs, then \(instance.command) gateway start"
        default: return "\(instance.command) gateway start"
        }
    }
}
