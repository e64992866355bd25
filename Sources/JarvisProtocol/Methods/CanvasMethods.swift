extension MethodDescriptor {
    /// The canvas.
    public static let canvas: [MethodDescriptor] = [
        MethodDescriptor(
            "canvas.status", scope: .read, "What the canvas shows, and who looks.",
            result: "{enabled, liveReload, root, scene, renderers, viewers, watching, capabilities}"),
        MethodDescriptor(
            "canvas.url", scope: .read,
            "An address that opens the canvas without a credential, good until it was not used for a while.",
            parameters: [.optional("path", .string())], result: "{ok, url, address, path, expiresInMs}"),
        MethodDescriptor(
            "canvas.attach", scope: .read,
            "The caller shows the canvas: it hears event `canvas` and answers what that asks with `canvas.result`.",
            parameters: [.optional("visible", .boolean)],
            result: "{ok, scene{visible, path, title?, revision}, liveReload}"),
        MethodDescriptor(
            "canvas.result", scope: .read, "The answer to an event `canvas` with an id.",
            parameters: [
                .required("id", .string(minimum: 1)), .required("ok", .boolean), .optional("result", .string()),
                .optional("picture", .object), .optional("error", .string()),
            ], result: "{ok}"),
        MethodDescriptor(
            "canvas.present", scope: .write,
            "Writes files of the canvas (`html` is the page at `path`) and shows the page at `path`.",
            parameters: [
                .optional("path", .string()), .optional("url", .string()), .optional("target", .string()),
                .optional("html", .string()), .optional("files", .array(.object)), .optional("title", .string()),
            ], result: "{ok, scene, renderers, written, note?}"),
        MethodDescriptor("canvas.hide", scope: .write, "Takes the canvas away.", result: "{ok, scene, renderers}"),
        MethodDescriptor(
            "canvas.navigate", scope: .write, "Shows another page of the canvas.",
            parameters: [.optional("path", .string()), .optional("url", .string()), .optional("target", .string())],
            result: "{ok, scene, renderers, note?}"),
        MethodDescriptor(
            "canvas.eval", scope: .write, "Runs JavaScript in the shown page, in its sandbox.",
            parameters: [
                .required("javaScript", .string(minimum: 1)), .optional("timeoutMs", .integer(1...60_000)),
            ], result: "{ok, result}"),
        MethodDescriptor(
            "canvas.snapshot", scope: .write, "A picture of the shown page.",
            parameters: [
                .optional("format", .word(["png", "jpg", "jpeg"])),
                .optional("outputFormat", .word(["png", "jpg", "jpeg"])), .optional("maxWidth", .integer(1...4096)),
                .optional("quality", .integer(1...100)), .optional("delayMs", .integer(0...10_000)),
                .optional("timeoutMs", .integer(100...60_000)),
            ], result: "{ok, format, width, height, base64, scene}"),
        MethodDescriptor(
            "node.canvas.capability.refresh", scope: .read,
            "A capability for the canvas, as the base of its addresses.",
            result: "{canvasCapability, canvasCapabilityExpiresAtMs, canvasHostUrl}"),
    ]
}
