import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Testing

@testable import JarvisNet

/// TLS against a server whose self-signed certificate (localhost and 127.0.0.1, valid from 2020 to 2120) only this
/// test trusts.
@Suite(.timeLimit(.minutes(1))) struct TLSTests {
    private static let certificate = [
        "MIIBaDCCAQ2gAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlsb2NhbGhv",
        "c3QwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBQxEjAQBgNVBAMM",
        "CWxvY2FsaG9zdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABE3nso9+CBBdBo8j",
        "QHpAgmi+JEvzopDSjxDh+m+FmbBFItCDxTv8hpYOYXXUeA0g9Ll++PdERVx+zBxj",
        "u93fWuGjTjBMMA8GA1UdEwEB/wQFMAMBAf8wGgYDVR0RBBMwEYIJbG9jYWxob3N0",
        "hwR/AAABMB0GA1UdDgQWBBTok/Q0srvEptSdjL8wY+heHaSvaDAKBggqhkjOPQQD",
        "AgNJADBGAiEAyjvSorIBKhTA8nzqD/Pg3z0DeVPR2L0afqJ+6B0vwY4CIQCN4SOu",
        "5f4SXEVJcuiX3XnvaDFhqd0ktfzuy90IP2hP0g==",
    ]
    private static let key = [
        "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgR8eJRR/0uavhweB5",
        "0nYtL41BoeRFwycaqiDzy+ZR07mhRANCAARN57KPfggQXQaPI0B6QIJoviRL86KQ",
        "0o8Q4fpvhZmwRSLQg8U7/IaWDmF11HgNIPS5fvj3REVcfswcY7vd31rh",
    ]

    private static func pem(_ kind: String, _ lines: [String]) -> [UInt8] {
        Array(("-----BEGIN \(kind)-----\n" + lines.joined(separator: "\n") + "\n-----END \(kind)-----\n").utf8)
    }

    private static func trusting() throws -> TLSContexts {
        let certificate = try NIOSSLCertificate(bytes: pem("CERTIFICATE", certificate), format: .pem)
        return TLSContexts {
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.trustRoots = .certificates([certificate])
            return configuration
        }
    }

    private func withServer(_ body: (Int) async throws -> Void) async throws {
        let certificate = try NIOSSLCertificate(bytes: Self.pem("CERTIFICATE", Self.certificate), format: .pem)
        let key = try NIOSSLPrivateKey(bytes: Self.pem("PRIVATE KEY", Self.key), format: .pem)
        let context = try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: [.certificate(certificate)], privateKey: .privateKey(key)))
        let shared = ListenerShared(delegate: TestDelegate(), limits: ServerLimits(), budget: nil)
        let channel = try await ServerBootstrap(group: testGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
                    try shared.accept(channel)
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        try await body(channel.localAddress?.port ?? 0)
        try await channel.close().get()
    }

    @Test func fetchesAndTalksOverTLS() async throws {
        try await withServer { port in
            let tls = try Self.trusting()
            let client = HTTPClient(group: testGroup, tls: tls)
            for host in ["localhost", "127.0.0.1"] {
                let request = HTTPClientRequest(
                    method: "POST", url: "https://\(host):\(port)/x", body: Array(repeating: 1, count: 1000))
                let body = try await client.withResponse(request) { try await $0.collect(limit: 100) }
                #expect(String(decoding: body, as: UTF8.self) == "POST /x 1000")
            }
            let handler = RecordingHandler { $0.send(text: "over TLS") }
            let socket = try await WebSocketClient.connect(
                url: "wss://localhost:\(port)/", group: testGroup, tls: tls, handler: handler)
            #expect(await handler.first(2).last == .text("over TLS"))
            try await socket.eventLoop.submit { socket.close(code: 1000, reason: "") }.get()
            #expect(await handler.first(3).last == .closed(1000, ""))
        }
    }

    @Test func refusesACertificateThatIsNotTrusted() async throws {
        try await withServer { port in
            let client = HTTPClient(group: testGroup, tls: TLSContexts { .makeClientConfiguration() })
            await #expect {
                try await client.withResponse(HTTPClientRequest(url: "https://localhost:\(port)/")) { _ in }
            } throws: {
                ($0 as? HTTPClientError)
                    == HTTPClientError(.tls, "the TLS connection failed: the certificate is not trusted")
            }
            await #expect {
                _ = try await WebSocketClient.connect(
                    url: "wss://localhost:\(port)/", group: testGroup, handler: RecordingHandler())
            } throws: {
                ($0 as? HTTPClientError)?.kind == .tls
            }
        }
    }

    @Test func trustsTheAuthoritiesOfAFileInsteadOfTheSystems() async throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).pem")
        try Data(Self.pem("CERTIFICATE", Self.certificate)).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }  // a temporary file
        try await withServer { port in
            let trusting = HTTPClient(
                group: testGroup, tls: TLSContexts { TLSContexts.configuration([file.path]) })
            let body = try await trusting.withResponse(HTTPClientRequest(url: "https://localhost:\(port)/x")) {
                try await $0.collect(limit: 100)
            }
            #expect(!body.isEmpty)
            let missing = HTTPClient(
                group: testGroup, tls: TLSContexts { TLSContexts.configuration([file.path + ".missing"]) })
            await #expect {
                try await missing.withResponse(HTTPClientRequest(url: "https://localhost:\(port)/x")) { _ in }
            } throws: {
                ($0 as? HTTPClientError)?.message.contains("SSL_CERT_FILE") == true
            }
        }
    }

    @Test func tellsAServerThatSpeaksNoTLS() async throws {
        try await withListener { listener in
            let client = HTTPClient(group: testGroup, tls: try Self.trusting())
            await #expect {
                try await client.withResponse(
                    HTTPClientRequest(url: "https://127.0.0.1:\(listener.port ?? 0)/")
                ) { _ in }
            } throws: {
                ($0 as? HTTPClientError)?.kind == .tls
            }
        }
    }
}
