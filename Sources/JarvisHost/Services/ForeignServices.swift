// lint: family names — this file recognises the services of other gateways, to show them and to leave them alone.

/// Services that look like gateways of the family and are not of this program: shown, never touched.
package enum ForeignServices {
    private static let words = ["openclaw", "clawdbot", "moltbot", "nanobot", "zeroclaw", "picoclaw", "nullclaw"]

    /// Those on this host; with `deep` also in the directories of the machine.
    package static func find(environment: HostEnvironment, deep: Bool) -> [InstalledService] {
        ServiceScan.all(environment: environment, includeSystem: deep).filter { service in
            guard !service.isOwn else { return false }
            let program = (service.executable.map(HostPath.lastComponent) ?? "").lowercased()
            let name = service.name.lowercased()
            if words.contains(where: { name.contains($0) || program.contains($0) }) { return true }
            // A unit of this program that was written by hand: it carries no marker, so nobody knows whose it is.
            return program == "jarvis" && service.arguments.contains("gateway")
        }
    }
}
