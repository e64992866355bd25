#if DEBUG
    import ArgumentParser
    import JarvisCore
    import JarvisHost

    #if canImport(Glibc)
        import Glibc
    #elseif canImport(Musl)
        import Musl
    #else
        import Darwin
    #endif

    /// `jarvis debug leak`: what a careless part of a gateway would do to a sibling. Only in debug builds, only for the
    /// test of the probe, and only in a home with the probe's canaries.
    struct DebugLeakCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "leak", abstract: "Touch a decoy profile in one of ten ways.",
            discussion: """
                Example:
                  jarvis debug leak 1
                """,
            shouldDisplay: false)

        @Argument(help: "1 to 10.")
        var number: Int

        func run() throws {
            let home = try CLIContext.current.environment.home().path
            guard home.contains("/jiso-") else {
                throw JarvisError("debug.leak", "\(home) is no decoy home; nothing was done.", exitCode: 2)
            }
            let (main, other) = ("\(home)/.jarvis", "\(home)/.jarvis-other")
            let text = Array("leak\n".utf8)
            switch number {
            case 1: try DurableFile.write(text, to: "\(main)/exec-approvals.json")
            case 2: _ = try DurableFile.read("\(other)/credentials/oauth.json")
            case 3: try DurableFile.createDirectory("\(other)/workspace/notes")
            case 4: rename("\(main)/cron/jobs.json", "\(main)/cron/jobs.migrated.json")
            case 5: try DurableFile.create(text, at: "/tmp/jarvis-shared-\(getpid()).tmp")
            case 6: try DurableFile.create(text, at: "\(other)/run/gateway.lock")
            case 7: chmod("\(other)/media", 0o755)
            case 8: symlink("\(main)/skills", "\(other)/skills-link")
            case 9: try DurableFile.append(text, to: "\(main)/logs/gateway.log")
            case 10: unlink("\(other)/backups/canary.json")
            default: throw JarvisError("debug.leak", "There is no leak \(number); expected 1 to 10.", exitCode: 2)
            }
        }
    }
#endif
