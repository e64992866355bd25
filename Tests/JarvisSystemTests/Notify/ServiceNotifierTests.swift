import Foundation
import JarvisSystem
import Testing

#if os(Linux)
    @Suite struct ServiceNotifierTests {
        /// A bound datagram socket that plays the service manager.
        private final class Manager {
            let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)

            init?(_ name: String) {
                var bytes = Array(name.utf8)
                if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 } else { bytes.append(0) }
                var address = sockaddr_un()
                address.sun_family = sa_family_t(AF_UNIX)
                withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
                let length = socklen_t(2 + bytes.count)
                let result = withUnsafePointer(to: &address) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
                }
                guard result == 0 else { return nil }
            }

            func next() -> String {
                var buffer = [UInt8](repeating: 0, count: 4096)
                let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
                return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
            }

            deinit { close(descriptor) }
        }

        @Test(arguments: [true, false])
        func speaksTheProtocol(isAbstract: Bool) throws {
            let unique = "jarvis-notify-\(UUID().uuidString)"
            let name = isAbstract ? "@\(unique)" : NSTemporaryDirectory() + "/" + unique
            defer { unlink(name) }
            let manager = try #require(Manager(name))
            let notifier = ServiceNotifier(environment: ["NOTIFY_SOCKET": name])
            #expect(notifier.isEnabled)
            #expect(notifier.ready(status: "up\nREADY=0"))
            #expect(manager.next() == "READY=1\nSTATUS=up READY=0")
            notifier.status("busy")
            #expect(manager.next() == "STATUS=busy")
            notifier.watchdog()
            #expect(manager.next() == "WATCHDOG=1")
            notifier.reloading()
            #expect(manager.next().hasPrefix("RELOADING=1\nMONOTONIC_USEC="))
            notifier.stopping()
            #expect(manager.next() == "STOPPING=1")
        }

        @Test func isSilentWithoutAListener() {
            #expect(!ServiceNotifier(environment: [:]).isEnabled)
            #expect(!ServiceNotifier(environment: [:]).ready())
            for name in ["relative", "vsock:2:1", "/", "/nowhere/at/all", "/" + String(repeating: "x", count: 300)] {
                #expect(!ServiceNotifier(environment: ["NOTIFY_SOCKET": name]).ready())
            }
        }

        @Test func readsTheWatchdogInterval() {
            func interval(_ variables: [String: String]) -> Duration? {
                ServiceNotifier(environment: variables, pid: 7).watchdogInterval
            }
            #expect(interval(["WATCHDOG_USEC": "30000000"]) == .seconds(30))
            #expect(interval(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"]) == .seconds(30))
            #expect(interval(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"]) == nil)
            for bad in ["", "0", "-1", "x"] { #expect(interval(["WATCHDOG_USEC": bad]) == nil) }
        }
    }
#endif
