import JarvisCore
import Testing

@Suite struct RedactorTests {
    private let redactor = Redactor()

    @Test(arguments: [
        ("Authorization: Bearer abcdefgh12345678", "Authorization: Bearer ***"),
        ("authorization=bearer   abcdefgh12345678, x", "authorization=bearer   ***, x"),
        ("Basic dXNlcjpwYXNzd29yZA==", "Basic ***"),
        ("using sk-proj-abcdefgh1234 now", "using *** now"),
        ("ghp_0123456789abcdefABCDEF", "***"),
        ("AIzaSyA0123456789abcdefghijklmnopqrstuv", "***"),
        ("(AKIAIOSFODNN7EXAMPLE)", "(***)"),
        ("GET /x?key=abc&y=1", "GET /x?key=***&y=1"),
        ("http://127.0.0.1:18789/#token=deadbeef", "http://127.0.0.1:18789/#token=***"),
        ("https://user:pa:ss@host/x", "https://***@host/x"),
        ("ws://u@h", "ws://***@h"),
        (#"{"password":"hunter2","port":1}"#, #"{"password":"***","port":1}"#),
        ("OPENAI_API_KEY=abc", "OPENAI_API_KEY=***"),
        ("gateway.auth.token: 0123456789abcdef", "gateway.auth.token: ***"),
        ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl.", "jwt ***"),
        ("/bot123456789:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc/getMe", "/bot***/getMe"),
        ("a -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- b", "a *** b"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE", "***"),
    ])
    func masks(text: String, expected: String) { #expect(redactor.redact(text) == expected) }

    @Test(arguments: [
        "listening on ws://127.0.0.1:18789 (pid 12)", "inputTokens=12 outputTokens=3", "session agent:main:main",
        "the token: expired", "sessionKey=agent:main:main", "2026-11-22T15:04:05.123Z",
        "risk-free disk-space task-oriented",
        "https://host/path?x=a@b", "basic idea", "Bearer of news", "", "=", ":", "key=", "token=", "://",
        "-----BEGIN CERT",
        "monkey=banana", "12:34", "a:b:c",
    ])
    func leavesOrdinaryText(text: String) { #expect(redactor.redact(text) == text) }

    @Test func masksRegisteredSecretsInEveryForm() {
        redactor.register("correct horse")
        redactor.register("correct")
        redactor.register("abc")
        redactor.register("")
        #expect(redactor.redact("x correct horse y correct") == "x *** y ***")
        #expect(redactor.redact("q=correct%20horse") == "q=***")
        #expect(redactor.redact("abc") == "abc")
    }

    @Test func secretNames() {
        for name in [
            "token", "authToken", "OPENAI_API_KEY", "gateway.auth.password", "Set-Cookie", "clientSecret", "apiKey",
        ] {
            #expect(Redactor.isSecretName(name), "\(name)")
        }
        for name in ["tokens", "inputTokens", "sessionKey", "key", "idempotencyKey", "mode", ""] {
            #expect(!Redactor.isSecretName(name), "\(name)")
        }
    }
}
