import JarvisCore
import JarvisSystem

extension DoctorCheck {
    /// Whether the port is one, free for its gateway, and the same everywhere.
    static let ports = DoctorCheck(id: "ports", title: "ports") { patient, _ in
        guard let planned = patient.plannedPort else {
            return [
                Finding(
                    "port.invalid", .error, "The port of this instance is none.", next: patient.command("which"))
            ]
        }
        var findings: [Finding] = []
        do throws(JarvisError) { _ = try PortSpan(base: planned) } catch {
            findings.append(Finding("port.range", .error, error.message, next: error.hint))
        }
        if let attested = patient.attested {
            // A port given on the command line is meant to differ.
            if attested.base != planned, attested.portSource == "config" || attested.portSource == "default" {
                findings.append(
                    Finding(
                        "port.running", .warning,
                        "The gateway listens on \(attested.base), the configuration says \(planned).",
                        next: patient.command("gateway restart")))
            }
        } else if !patient.isRunning, patient.config.exists, !PortPlan.isFree(planned) {
            let holder = PortHolder.find(port: planned).map { ": \($0)" } ?? ""
            findings.append(
                Finding(
                    "port.taken", .warning, "Something else listens on port \(planned)\(holder).",
                    next: patient.command("config set gateway.port <another>")))
        }
        for service in patient.services {
            if let port = service.port, port != planned {
                findings.append(
                    Finding(
                        "port.service", .warning,
                        "The service \(service.name) starts it with port \(port), the configuration says \(planned).",
                        evidence: [service.path], next: patient.command("gateway install --force")))
            }
        }
        return findings
    }
}
