import JarvisCore
import JarvisSystem

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A browser's program on this host.
package struct BrowserProgram: Sendable, Hashable {
    /// Which product.
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        case chrome, brave, edge, chromium, canary
        /// Named by the configuration, or the desktop's default and none of the others.
        case custom

        /// The name for people.
        package var title: String {
            switch self {
            case .chrome: "Google Chrome"
            case .brave: "Brave"
            case .edge: "Microsoft Edge"
            case .chromium: "Chromium"
            case .canary: "Google Chrome Canary"
            case .custom: "a Chromium"
            }
        }
    }

    /// Which product, by the name of its file.
    package var kind: Kind
    /// Its file, absolute.
    package var path: String
}

/// Finds the browser to launch: the desktop's default when that is a Chromium, else Chrome, Brave, Edge, Chromium,
/// Canary.
package enum BrowserDetection {
    /// The program of `browser.executablePath`, or the best of this host. Blocks for a moment.
    ///
    /// - Parameters:
    ///   - place: where the configuration names that program.
    ///   - environment: where `HOME`, `PATH` and the XDG directories are looked up.
    /// - Throws: `BrowserError` 500 `no_browser`.
    package static func find(
        _ configured: String?, place: String = "browser.executablePath", environment: [String: String]
    ) throws(BrowserError) -> BrowserProgram {
        try find(configured, place: place, environment: environment, isProgram: isProgram, read: readText)
    }

    /// Its version, as `--version` prints it: `Chromium 156.0.8078.79`; nil when it does not say. Blocks, at most 10 s.
    package static func version(_ program: BrowserProgram, environment: [String: String]) -> String? {
        let runner = ChildRunner(environment: environment, outputLimit: 4096)
        let outcome = try? runner.run(program.path, ["--version"], timeout: .seconds(10))  // not started: none
        guard let outcome, outcome.isSuccess else { return nil }
        let line = outcome.output.split(whereSeparator: \.isNewline).first { $0.contains(where: \.isNumber) }
        return line.map { String($0.prefix(100)).split(separator: " ").joined(separator: " ") }
    }

    static func find(
        _ configured: String?, place: String = "browser.executablePath", environment: [String: String],
        isProgram: (String) -> Bool,
        read: @escaping (String) -> String?
    ) throws(BrowserError) -> BrowserProgram {
        if let configured {
            guard configured.hasPrefix("/"), isProgram(configured) else {
                throw BrowserError(
                    500, "no_browser",
                    "\(place) is \"\(configured.prefix(200))\", which is no program that can be started here. Give the "
                        + "absolute path of a Chromium, or let one be looked for: "
                        + CommandWords.current.config("unset \(place)"))
            }
            return BrowserProgram(kind: kind(of: configured) ?? .custom, path: configured)
        }
        #if os(Linux)
            let desktop = DesktopDefault(environment: environment, read: read)
            if let path = desktop.program.flatMap({ resolve($0, environment, isProgram) }),
                let kind = kind(of: path) ?? (BrowserWords.isFamily(executable: path) ? .custom : nil)
            {
                return BrowserProgram(kind: kind, path: path)
            }
        #endif
        for (kind, names) in candidates(environment) {
            for name in names {
                if let path = resolve(name, environment, isProgram) { return BrowserProgram(kind: kind, path: path) }
            }
        }
        throw BrowserError(
            500, "no_browser",
            "No browser of the Chromium family was found: not Chrome, Brave, Edge, Chromium or Canary. Install one, for "
                + "example: apt install chromium. Or name its program: "
                + CommandWords.current.config("set browser.executablePath /path"))
    }

    #if os(macOS)
        private static func candidates(_ environment: [String: String]) -> [(BrowserProgram.Kind, [String])] {
            let names: [(BrowserProgram.Kind, String)] = [
                (.chrome, "Google Chrome"), (.brave, "Brave Browser"), (.edge, "Microsoft Edge"),
                (.chromium, "Chromium"), (.canary, "Google Chrome Canary"),
            ]
            let homes = ["", environment["HOME"] ?? ""]
            return names.map { kind, name in
                (kind, homes.map { "\($0)/Applications/\(name).app/Contents/MacOS/\(name)" })
            }
        }
    #else
        private static func candidates(_ environment: [String: String]) -> [(BrowserProgram.Kind, [String])] {
            [
                (.chrome, ["google-chrome-stable", "google-chrome", "/opt/google/chrome/chrome"]),
                (.brave, ["brave-browser-stable", "brave-browser", "brave", "/snap/bin/brave"]),
                (.edge, ["microsoft-edge-stable", "microsoft-edge", "/opt/microsoft/msedge/msedge"]),
                (.chromium, ["chromium", "chromium-browser", "/usr/lib/chromium/chromium", "/snap/bin/chromium"]),
                (.canary, ["google-chrome-canary", "google-chrome-unstable", "google-chrome-beta"]),
            ]
        }
    #endif

    /// The product by the name of a program's file; nil when it is none of them.
    private static func kind(of path: String) -> BrowserProgram.Kind? {
        let name = (path.split(separator: "/").last ?? "").lowercased()
        if name.contains("canary") || name.contains("unstable") { return .canary }
        if name.hasPrefix("google-chrome") || name.hasPrefix("google chrome") || name == "chrome" { return .chrome }
        if name.hasPrefix("brave") { return .brave }
        if name.hasPrefix("microsoft-edge") || name.hasPrefix("microsoft edge") || name == "msedge" { return .edge }
        return name.hasPrefix("chromium") ? .chromium : nil
    }

    private static func resolve(
        _ name: String, _ environment: [String: String], _ isProgram: (String) -> Bool
    ) -> String? {
        if name.hasPrefix("/") { return isProgram(name) ? name : nil }
        guard !name.contains("/"), !name.isEmpty else { return nil }
        let listed = (environment["PATH"] ?? "").split(separator: ":").map(String.init)
        return (listed + ["/usr/local/bin", "/usr/bin", "/bin"]).filter { $0.hasPrefix("/") }.map { "\($0)/\(name)" }
            .first(where: isProgram)
    }

    private static func isProgram(_ path: String) -> Bool {
        var info = stat()
        return stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
    }

    private static func readText(_ path: String) -> String? {
        let bytes = try? DurableFile.read(path, limit: 1 << 20)  // most of the places that are looked at do not exist
        return bytes.map { String(decoding: $0, as: UTF8.self) }
    }
}

/// The default browser of a Linux desktop, from the files of the XDG specifications. Pure but for `read`.
struct DesktopDefault {
    let environment: [String: String]
    let read: (String) -> String?

    /// The program of the application that opens web pages, as its desktop file spells it.
    var program: String? {
        for entry in handlers {
            for directory in dataDirectories {
                guard let text = read("\(directory)/applications/\(entry)") else { continue }
                return Self.value("Exec", section: "[Desktop Entry]", in: text).flatMap(Self.firstWord)
            }
        }
        return nil
    }

    private var home: String { environment["HOME"] ?? "" }
    private var dataDirectories: [String] {
        [environment["XDG_DATA_HOME"] ?? "\(home)/.local/share"]
            + (environment["XDG_DATA_DIRS"] ?? "/usr/local/share:/usr/share").split(separator: ":").map(String.init)
    }

    /// The desktop files named as default, the user's choice first.
    private var handlers: [String] {
        let configuration =
            [environment["XDG_CONFIG_HOME"] ?? "\(home)/.config"]
            + (environment["XDG_CONFIG_DIRS"] ?? "/etc/xdg").split(separator: ":").map(String.init)
        let lists =
            configuration.map { "\($0)/mimeapps.list" } + dataDirectories.map { "\($0)/applications/mimeapps.list" }
        return lists.compactMap(read).flatMap { text in
            ["x-scheme-handler/https", "x-scheme-handler/http", "text/html"].compactMap {
                Self.value($0, section: "[Default Applications]", in: text)
            }.flatMap { $0.split(separator: ";").map(String.init) }
        }.filter { $0.hasSuffix(".desktop") && !$0.contains("/") }
    }

    private static func value(_ key: String, section: String, in text: String) -> String? {
        var isInside = false
        for line in text.split(whereSeparator: \.isNewline) {
            if line.hasPrefix("[") { isInside = line == section }
            guard isInside, line.hasPrefix(key) else { continue }
            let rest = line.dropFirst(key.count).drop { $0 == " " }
            if rest.hasPrefix("=") { return String(rest.dropFirst().drop { $0 == " " }) }
        }
        return nil
    }

    private static func firstWord(_ command: String) -> String? {
        if command.hasPrefix("\"") { return command.dropFirst().split(separator: "\"").first.map(String.init) }
        return command.split(separator: " ").first.map(String.init)
    }
}
