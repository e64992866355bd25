import JarvisCore
import JarvisFormats

/// The first configuration of an instance.
package enum ConfigTemplate {
    /// A commented JSON5 text that boots: `gateway.mode` is local, and what is given is filled in. What is nil appears
    /// as a comment that shows the key.
    ///
    /// - Parameter token: written as it is, so `${NAME}` makes it a reference.
    package static func minimal(
        port: Int? = nil, bind: String? = nil, token: String? = nil, workspace: String? = nil
    ) -> String {
        var lines = [
            "// Configuration of JARVIS. JSON5: comments and trailing commas are welcome.",
            "// All keys: jarvis config schema. Check after editing: jarvis config validate.",
            "{",
            "  gateway: {",
            "    // local: this host runs the gateway.",
            "    mode: \"local\",",
        ]
        if let port {
            lines.append("    port: \(port),")
        } else {
            lines.append("    // port: 18789,")
        }
        if let bind { lines.append("    bind: \(quote(bind)),") }
        if let token {
            lines += ["    auth: {", "      mode: \"token\",", "      token: \(quote(token)),", "    },"]
        }
        lines += ["  },", "  agents: {", "    defaults: {"]
        if let workspace { lines.append("      workspace: \(quote(workspace)),") }
        lines += [
            "      // The model that answers. Without one the built-in operator does.",
            "      // model: { primary: \"openai/gpt-4.1\", fallbacks: [] },",
            "    },",
            "  },",
            "  // models: {",
            "  //   providers: {",
            "  //     openai: {",
            "  //       baseUrl: \"https://api.openai.com/v1\",",
            "  //       apiKey: \"${OPENAI_API_KEY}\",",
            "  //       models: [{ id: \"gpt-4.1\" }],",
            "  //     },",
            "  //   },",
            "  // },",
            "}",
        ]
        return lines.joined(separator: "\n") + "\n"
    }

    private static func quote(_ text: String) -> String { JSONWriter.string(.string(text)) }
}
