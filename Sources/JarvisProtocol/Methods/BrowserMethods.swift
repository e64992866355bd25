extension MethodDescriptor {
    /// The browsers of the instance.
    public static let browser: [MethodDescriptor] = [
        MethodDescriptor(
            "browser.request", scope: .write,
            "One request to the browser control service; see the reference of its routes. Creating, deleting and"
                + " resetting profiles needs `operator.admin`.",
            parameters: [
                .required("method", .word(["GET", "POST", "DELETE"])), .required("path", .string(minimum: 1)),
                .optional("query", .object), .optional("body", .object), .optional("timeoutMs", .integer(1...600_000)),
            ],
            result: "the route's answer; a refusal is `INVALID_REQUEST`, from status 500 on `UNAVAILABLE`, with"
                + " `details` {error, code, status}")
    ]
}
