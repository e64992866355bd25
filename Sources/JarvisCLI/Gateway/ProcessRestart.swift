import JarvisCore
import JarvisSystem

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Starts this program again in the same process, with the same arguments and environment: the process id, and with it
/// the supervisor's idea of who runs, stay.
enum ProcessRestart {
    /// Does not return when it succeeds.
    ///
    /// - Returns: `gateway.restart`, exit 1: the program could not be started again.
    static func inPlace() -> JarvisError {
        let program = OwnExecutable.path() ?? CommandLine.arguments[0]
        // The gateway ignored these and had a dispatch source hear them; a new program would go on ignoring.
        for number in [SIGTERM, SIGINT, SIGUSR1] { signal(number, SIG_DFL) }
        signal(SIGHUP, ControllingTerminal.isHangupIgnored ? SIG_IGN : SIG_DFL)
        var none = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, nil)
        var arguments: [UnsafeMutablePointer<CChar>?] = CommandLine.arguments.map { strdup($0) }
        arguments.append(nil)
        arguments.withUnsafeBufferPointer { pointers in
            guard let base = pointers.baseAddress else { return }
            #if canImport(Darwin)
                _ = execv(program, base)
            #else
                // The C declaration has no room for the closing null that the call needs.
                base.withMemoryRebound(to: UnsafeMutablePointer<CChar>?.self, capacity: pointers.count) {
                    _ = execv(program, $0)
                }
            #endif
        }
        return JarvisError(
            "gateway.restart",
            "the gateway stopped, and \(program) could not be started again: \(SystemCallError.text(errno))",
            exitCode: 1)
    }
}
