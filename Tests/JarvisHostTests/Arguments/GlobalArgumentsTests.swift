import JarvisCore
import JarvisHost
import Testing

@Suite struct GlobalArgumentsTests {
    @Test(arguments: [
        ["--profile", "rescue", "gateway", "--port", "1"], ["--profile=rescue", "gateway", "--port", "1"],
        ["gateway", "--profile", "rescue", "--port", "1"], ["gateway", "--port", "1", "--profile=rescue"],
        ["--profile", "rescue", "gateway", "--port", "1", "--profile", "RESCUE"],
    ])
    func takesTheProfileAnywhere(arguments: [String]) throws {
        let result = try GlobalArguments.scan(arguments)
        #expect(result.selection.flag == "rescue")
        #expect(result.remaining == ["gateway", "--port", "1"])
    }

    @Test func takesTheOtherOptions() throws {
        let result = try GlobalArguments.scan(["--no-color", "status", "--log-level", "WARN", "--dev", "--json"])
        #expect(result.noColor)
        #expect(result.logLevel == .warn)
        #expect(result.selection == ProfileSelection(flag: nil, dev: true))
        #expect(result.remaining == ["status", "--json"])
    }

    @Test func takesNothingAfterTheTerminator() throws {
        let arguments = ["agent", "--", "--profile", "x", "--dev"]
        #expect(try GlobalArguments.scan(arguments) == GlobalArguments(remaining: arguments))
    }

    @Test func leavesFreeTextAlone() throws {
        let arguments = ["agent", "-m", "--profile=x", "--message", "--dev"]
        #expect(try GlobalArguments.scan(arguments).remaining == arguments)
        #expect(try GlobalArguments.scan(arguments).selection == ProfileSelection())
    }

    @Test func leavesWhatASubcommandOwns() throws {
        let grammar = GlobalArguments.Grammar(owned: ["gateway": ["--dev"], "browser start": ["--profile"]])
        for arguments in [["gateway", "--dev"], ["gateway", "run", "--dev"], ["browser", "start", "--profile", "x"]] {
            #expect(try GlobalArguments.scan(arguments, grammar: grammar).remaining == arguments)
        }
        #expect(try GlobalArguments.scan(["--dev", "gateway"], grammar: grammar).selection.dev)
        #expect(
            try GlobalArguments.scan(["browser", "stop", "--profile", "x"], grammar: grammar).selection.flag == "x")
    }

    @Test func leavesCompletionRequestsAlone() throws {
        let arguments = ["---completion", "gateway", "--", "--profile"]
        #expect(try GlobalArguments.scan(arguments).remaining == arguments)
    }

    @Test func leavesUnknownOptionsAndPrefixes() throws {
        let arguments = ["-V", "--unknown", "x", "--profiles", "--device", "--dev=1", "--no-colors"]
        #expect(try GlobalArguments.scan(arguments).remaining == arguments)
    }

    @Test(arguments: [
        (["--profile"], "usage.value"), (["--profile="], "usage.value"), (["--profile", "--dev"], "usage.value"),
        (["--profile", ""], "usage.value"), (["--log-level"], "usage.value"), (["--log-level", "loud"], "usage.value"),
        (["--profile", "a", "x", "--profile", "b"], "usage.conflict"), (["--dev", "--profile", "b"], "usage.conflict"),
        (["x", "--profile=b", "--dev"], "usage.conflict"),
        (["--log-level=info", "x", "--log-level=warn"], "usage.conflict"),
        (["--profile", "a b"], "profile.invalid"), (["--profile", "gateway"], "profile.reserved"),
    ])
    func refuses(arguments: [String], code: String) throws {
        let error = try #require(throws: JarvisError.self) { try GlobalArguments.scan(arguments) }
        #expect(error.code.rawValue == code)
        #expect(error.exitCode == 2)
    }

    @Test func aConflictNamesBothValues() throws {
        let error = try #require(throws: JarvisError.self) {
            try GlobalArguments.scan(["--profile", "main", "gateway", "--profile=rescue"])
        }
        #expect(error.message.contains("main") && error.message.contains("rescue"))
    }

    @Test func devWithProfileDevAgrees() throws {
        let result = try GlobalArguments.scan(["--dev", "--profile", "dev"])
        #expect(
            try InstanceResolver.resolve(
                selection: result.selection, environment: HostEnvironment(variables: ["HOME": "/h"])
            ).displayName == "dev")
    }
}
