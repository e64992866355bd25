import JarvisCore
import NIOCore
import NIOHTTP1
import NIOSSL

extension HTTPClientError {
    /// What broke a connection, in words that show no file of the build and nothing the peer sent.
    init(ofConnection error: any Error, answered: Bool) {
        let early = "the connection closed before the answer was complete"
        switch error {
        case let known as HTTPClientError: self = known
        case HTTPParserError.headerOverflow: self.init(.tooLarge, "the answer's headers are too large")
        case HTTPParserError.invalidEOFState, NIOSSLError.uncleanShutdown: self.init(.closedEarly, early)
        case let error as HTTPParserError: self.init(.malformed, "the answer is no HTTP/1.1: \(error)")
        case is NIOSSLError, is BoringSSLError, is NIOSSLExtraError:
            self.init(answered ? .closedEarly : .tls, "the TLS connection failed: " + Self.tlsReason(error))
        case let error as IOError:
            self.init(.closedEarly, early + ": " + SystemCallError.text(error.errnoCode))
        default: self.init(.closedEarly, early)
        }
    }

    private static func tlsReason(_ error: any Error) -> String {
        if error is NIOSSLExtraError { return "the certificate is for another host" }
        let detail = "\(error)"
        if detail.contains("CERTIFICATE_VERIFY_FAILED") { return "the certificate is not trusted" }
        if detail.contains("WRONG_VERSION_NUMBER") { return "the server does not speak TLS on this port" }
        return "the handshake did not succeed"
    }
}
