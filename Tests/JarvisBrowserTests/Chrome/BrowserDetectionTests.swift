import Testing

@testable import JarvisBrowser

@Suite("Finding a browser")
struct BrowserDetectionTests {
    private func find(
        _ configured: String? = nil, programs: Set<String>, files: [String: String] = [:]
    ) throws(BrowserError) -> BrowserProgram {
        try BrowserDetection.find(
            configured, environment: ["HOME": "/h", "PATH": "/p:relative:/usr/bin"], isProgram: programs.contains,
            read: { files[$0] })
    }

    private let all: Set<String> = [
        "/usr/bin/google-chrome", "/p/brave-browser", "/usr/bin/microsoft-edge", "/usr/bin/chromium",
        "/usr/bin/google-chrome-unstable",
    ]

    @Test("Chrome, Brave, Edge, Chromium, Canary: the first that is there")
    func order() throws {
        var left = all
        for (kind, path) in [
            (BrowserProgram.Kind.chrome, "/usr/bin/google-chrome"), (.brave, "/p/brave-browser"),
            (.edge, "/usr/bin/microsoft-edge"), (.chromium, "/usr/bin/chromium"),
            (.canary, "/usr/bin/google-chrome-unstable"),
        ] {
            #expect(try find(programs: left) == BrowserProgram(kind: kind, path: path))
            left.remove(path)
        }
        #expect { try find(programs: left) } throws: { ($0 as? BrowserError)?.code == "no_browser" }
    }

    #if os(Linux)
        @Test("The desktop's default goes first when it is of the family, the user's choice before the system's")
        func desktop() throws {
            var files = [
                "/h/.config/mimeapps.list": "[Default Applications]\nx-scheme-handler/https=brave-browser.desktop;\n",
                "/usr/share/applications/mimeapps.list":
                    "[Default Applications]\nx-scheme-handler/https=firefox.desktop\ntext/html=chromium.desktop\n",
                "/usr/share/applications/brave-browser.desktop": "[Desktop Entry]\nExec=/p/brave-browser %U\n",
                "/usr/share/applications/chromium.desktop": "[Desktop Entry]\nExec=chromium %U\n",
                "/usr/share/applications/firefox.desktop": "[Desktop Entry]\nExec=firefox %u\n",
            ]
            #expect(try find(programs: all, files: files).path == "/p/brave-browser")
            files["/h/.config/mimeapps.list"] = "[Default Applications]\nx-scheme-handler/https=firefox.desktop\n"
            #expect(try find(programs: all.union(["/usr/bin/firefox"]), files: files).path == "/usr/bin/google-chrome")
            files["/h/.config/mimeapps.list"] = nil
            files["/usr/share/applications/mimeapps.list"] = "[Default Applications]\ntext/html=chromium.desktop\n"
            #expect(try find(programs: all, files: files).path == "/usr/bin/chromium")
        }
    #endif

    @Test("The configured program counts and must be there")
    func configured() throws {
        #expect(
            try find("/x/my-browser", programs: ["/x/my-browser"])
                == BrowserProgram(kind: .custom, path: "/x/my-browser"))
        for wrong in ["/gone", "chromium", ""] {
            #expect { try find(wrong, programs: all) } throws: { error in
                let error = error as? BrowserError
                return error?.code == "no_browser" && error?.message.contains("browser.executablePath") ?? false
            }
        }
    }
}
