/// A gateway as a scheduled task of Windows: the task's XML and the script that it starts.
package enum TaskDefinition {
    /// The task as `schtasks /create /xml` takes it: at logon of the user, with the user's least rights, without a time
    /// limit, three more tries a minute apart after a failure.
    package static func render(_ unit: ServiceUnit, script: String) -> String {
        func text(_ value: String) -> String { LaunchdPlist.escaped(value) }
        return """
            <?xml version="1.0" encoding="UTF-8"?>
            <Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
              <RegistrationInfo>
                <Description>\(text(unit.description))</Description>
                <URI>\\\(text(unit.names.taskName))</URI>
              </RegistrationInfo>
              <Triggers>
                <LogonTrigger>
                  <Enabled>true</Enabled>
                </LogonTrigger>
              </Triggers>
              <Principals>
                <Principal id="Author">
                  <LogonType>InteractiveToken</LogonType>
                  <RunLevel>LeastPrivilege</RunLevel>
                </Principal>
              </Principals>
              <Settings>
                <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
                <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
                <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
                <AllowHardTerminate>true</AllowHardTerminate>
                <StartWhenAvailable>true</StartWhenAvailable>
                <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
                <Enabled>true</Enabled>
                <Hidden>false</Hidden>
                <RestartOnFailure>
                  <Interval>PT1M</Interval>
                  <Count>3</Count>
                </RestartOnFailure>
              </Settings>
              <Actions Context="Author">
                <Exec>
                  <Command>\(text(script))</Command>
                  <WorkingDirectory>\(text(unit.home))</WorkingDirectory>
                </Exec>
              </Actions>
            </Task>

            """
    }

    /// `<state>/gateway.cmd`: sets the variables and starts the gateway. CR LF, as the command interpreter wants it.
    package static func script(_ unit: ServiceUnit) -> String {
        var lines = ["@echo off", "rem \(unit.description)", "setlocal DisableDelayedExpansion"]
        lines += unit.environment.map { "set \"\($0.name)=\(escaped($0.value))\"" }
        lines.append("\"\(escaped(unit.executable))\" \(unit.arguments.dropFirst().joined(separator: " "))")
        lines += ["exit /b %errorlevel%", ""]
        return lines.joined(separator: "\r\n")
    }

    private static func escaped(_ text: String) -> String {
        text.split(separator: "%", omittingEmptySubsequences: false).joined(separator: "%%")
    }

    /// The service that a script starts; nil when it is none of ours.
    package static func read(script text: String, path: String) -> InstalledService? {
        var environment: [String: String] = [:]
        var arguments: [String] = []
        for line in text.split(whereSeparator: \.isNewline) {
            if line.hasPrefix("set \""), line.hasSuffix("\""), let equals = line.firstIndex(of: "=") {
                let name = line[line.index(line.startIndex, offsetBy: 5)..<equals]
                environment[String(name)] = unescaped(line[line.index(after: equals)...].dropLast())
            } else if line.hasPrefix("\""), let close = line.dropFirst().firstIndex(of: "\"") {
                arguments = [unescaped(line[..<close].dropFirst())]
                arguments += line[line.index(after: close)...].split(separator: " ").map(String.init)
            }
        }
        guard environment["JARVIS_SERVICE_MARKER"] != nil, !arguments.isEmpty else { return nil }
        let profile = environment["JARVIS_PROFILE"].flatMap { $0 == "default" ? nil : $0 }
        return InstalledService(
            manager: .schtasks, scope: .user, name: "JARVIS Gateway" + (profile.map { " (\($0))" } ?? ""), path: path,
            arguments: arguments, environment: environment)
    }

    private static func unescaped(_ text: some StringProtocol) -> String {
        var result = ""
        var rest = Substring(text)
        while let character = rest.popFirst() {
            result.append(character)
            if character == "%", rest.first == "%" { rest.removeFirst() }
        }
        return result
    }
}
