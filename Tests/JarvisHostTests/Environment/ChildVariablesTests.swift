import JarvisHost
import Testing

@Suite struct ChildVariablesTests {
    private let service = HostEnvironment(variables: [
        "HOME": "/h", "PATH": "/bin", "JARVIS_HOME": "/h", "JARVIS_HOST_DIR": "/h/host", "JARVIS_PROFILE": "main",
        "JARVIS_STATE_DIR": "/h/.jarvis-main", "JARVIS_CONFIG_PATH": "/h/.jarvis-main/jarvis.json",
        "JARVIS_INSTANCE_ID": "id-main", "JARVIS_GATEWAY_PORT": "18789", "JARVIS_SERVICE_MARKER": "jarvis",
        "JARVIS_SERVICE_KIND": "gateway", "JARVIS_SYSTEMD_UNIT": "jarvis-gateway-main.service",
        "JARVIS_GATEWAY_TOKEN": "secret", "JARVIS_GATEWAY_PASSWORD": "secret", "NOTIFY_SOCKET": "/run/notify",
        "WATCHDOG_USEC": "1", "INVOCATION_ID": "0", "LISTEN_FDS": "1", "JARVIS_LOG_LEVEL": "debug",
    ])

    @Test func aChildMeansNoInstance() throws {
        let child = service.childVariables()
        #expect(Set(child.keys) == ["HOME", "PATH", "JARVIS_HOME", "JARVIS_HOST_DIR", "JARVIS_LOG_LEVEL"])
        let instance = try InstanceResolver.resolve(environment: HostEnvironment(variables: child))
        #expect(instance.stateDirectory == "/h/.jarvis")
    }

    @Test func aHelperMayKeepTheIdentityButNeitherSecretsNorTheServiceManager() throws {
        let child = service.childVariables(keepingIdentity: true)
        #expect(child["JARVIS_INSTANCE_ID"] == "id-main" && child["JARVIS_GATEWAY_PORT"] == "18789")
        #expect(HostEnvironment.secretVariables.isDisjoint(with: child.keys))
        #expect(HostEnvironment.serviceVariables.isDisjoint(with: child.keys))
        let instance = try InstanceResolver.resolve(environment: HostEnvironment(variables: child))
        #expect(instance.displayName == "main")
    }

    @Test(
        arguments: [
            ([:], ServiceMarker.Supervisor.none), (["INVOCATION_ID": "0"], .none), (["NOTIFY_SOCKET": "/n"], .systemd),
            (["INVOCATION_ID": "0", "JARVIS_SERVICE_KIND": "gateway"], .systemd),
            (["JARVIS_SERVICE_MARKER": "builtin"], .builtin),
            (
                ["JARVIS_SERVICE_MARKER": "jarvis", "JARVIS_SERVICE_KIND": "gateway", "XPC_SERVICE_NAME": "ai.jarvis"],
                .launchd
            ),
            (["JARVIS_SERVICE_MARKER": "jarvis", "JARVIS_SERVICE_KIND": "gateway", "XPC_SERVICE_NAME": "0"], .none),
            (["JARVIS_SERVICE_KIND": "gateway", "JARVIS_WINDOWS_TASK_NAME": "JARVIS Gateway"], .schtasks),
        ] as [([String: String], ServiceMarker.Supervisor)])
    func supervisors(variables: [String: String], expected: ServiceMarker.Supervisor) {
        #expect(ServiceMarker.supervisor(HostEnvironment(variables: variables)) == expected)
    }
}
