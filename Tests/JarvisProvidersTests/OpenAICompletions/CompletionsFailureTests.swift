import JarvisCore
import JarvisKit
import Testing

@testable import JarvisProviders

@Suite struct CompletionsFailureTests {
    private func failure(_ status: Int, _ body: String = "", retryAfter: String? = nil) -> ProviderError {
        CompletionsFailure.status(
            status, body: Array(body.utf8), retryAfter: retryAfter, now: 784_111_770_000, secrets: ["hunter2-key"])
    }

    @Test(arguments: [
        (401, "", ProviderError.Reason.auth), (403, "", .auth), (402, "", .billing), (404, "", .modelNotFound),
        (408, "", .timeout), (413, "", .contextOverflow), (429, "", .rateLimit), (500, "", .overloaded),
        (502, "", .overloaded), (503, "", .overloaded), (504, "", .timeout), (529, "", .overloaded),
        (400, "", .format), (422, "", .format), (302, "", .unknown),
        (403, #"{"error":{"message":"Rate limit reached"}}"#, .rateLimit),
        (429, #"{"error":{"message":"x","code":"insufficient_quota"}}"#, .billing),
        (400, #"{"error":{"message":"This model's maximum context length is 4096 tokens"}}"#, .contextOverflow),
        (400, #"{"error":{"code":400,"message":"request exceeds the available context size"}}"#, .contextOverflow),
        (400, #"{"error":{"message":"x","code":"model_not_found"}}"#, .modelNotFound),
    ])
    func mapsStatus(status: Int, body: String, reason: ProviderError.Reason) {
        let error = failure(status, body)
        #expect(error.reason == reason)
        #expect(error.status == status)
        #expect(!error.message.isEmpty)
    }

    @Test func readsTheMessage() {
        #expect(failure(400, #"{"error":{"message":"bad thing"}}"#).message == "bad thing")
        #expect(failure(400, #"{"error":"bad thing"}"#).message == "bad thing")
        #expect(failure(400, #"{"detail":"bad thing"}"#).message == "bad thing")
        #expect(failure(400, "plain words").message == "plain words")
        #expect(
            failure(502, "<html><body>Bad Gateway</body></html>").message == "The provider answered with status 502.")
    }

    @Test func neverShowsCredentials() {
        for body in [
            "key hunter2-key is wrong", #"{"error":{"message":"Incorrect API key provided: sk-proj-abcdefghijkl."}}"#,
            "got (sk-abcdefghijklmnop)", "jwt eyJhbGciOiJIUzI1NiJ9.e30.x",
        ] {
            let message = failure(401, body).message
            #expect(message.contains("[redacted]"))
            for secret in ["hunter2", "sk-", "eyJ"] { #expect(!message.contains(secret)) }
        }
        #expect("\(Credential("hunter2"))" == "[redacted]")
        let settings = CompletionsSettings(
            baseURL: "http://x", apiKey: Credential("hunter2"), headers: [("X-Key", Credential("hunter2"))])
        #expect(!String(reflecting: settings).contains("hunter2"))
    }

    @Test func boundsAndCleansTheMessage() {
        let long = failure(500, String(repeating: "word ", count: 1000)).message
        #expect(long.count == 500)
        #expect(failure(500, "a\u{1B}[31mb\u{0}\nc").message == "a[31mb c")
    }

    @Test(arguments: [
        ("7", 7000), ("0", 0), ("1.5", 1500), ("259200", 259_200_000), ("Sun, 06 Nov 1994 08:49:37 GMT", 7000),
        ("Sun, 06 Nov 1994 08:40:00 GMT", 0),
    ])
    func readsRetryAfter(value: String, milliseconds: Int64) {
        #expect(failure(429, retryAfter: value).retryAfter == .milliseconds(milliseconds))
    }

    @Test(arguments: ["", "soon", "-3", "nan", "inf", "Sun, 06 Nov 1994", "Sun, 99 Nov 1994 08:49:37 GMT"])
    func ignoresUnreadableRetryAfter(value: String) { #expect(failure(429, retryAfter: value).retryAfter == nil) }

    @Test func datesAcrossLeapYears() {
        #expect(CompletionsFailure.wait("Thu, 29 Feb 2024 00:00:00 GMT", now: 0) == .seconds(1_709_164_800))
        #expect(CompletionsFailure.wait("Fri, 01 Mar 2024 00:00:00 GMT", now: 0) == .seconds(1_709_251_200))
        #expect(CompletionsFailure.wait("Wed, 31 Dec 2025 23:59:59 GMT", now: 0) == .seconds(1_767_225_599))
    }
}
