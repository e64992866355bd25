import FoundationEssentials
import JarvisCore
import JarvisTestSupport
import Testing

@testable import JarvisBrowser

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Runs `body` with two directories, one of them the root of confined paths.
private func withDirectories(_ body: (_ root: String, _ outside: String) throws -> Void) throws {
    let base = FileManager.default.temporaryDirectory.path + "/jarvis-confined-\(Identifiers.randomHex(bytes: 6))"
    try DurableFile.createDirectory(base + "/outside")
    defer { try? FileManager.default.removeItem(atPath: base) }
    try body(base + "/root", base + "/outside")
}

@Suite("Confined paths")
struct ConfinedPathTests {
    @Test(
        "Paths that lead elsewhere are refused before anything is opened",
        arguments: [
            "../x", "a/../../x", "a/..", "..", "/etc/passwd", "/rooted", "/root", "/root/", "", ".", "./", "a/",
            "a\u{0}b", "a\nb",
            String(repeating: "x", count: 300), String(repeating: "x/", count: 3000) + "y", "/root/../etc/passwd",
        ])
    func refuses(path: String) {
        #expect { try ConfinedPath(path, roots: ["/root", "/other"]) } throws: { error in
            (error as? BrowserError)?.code == "invalid_path"
                && (error as? BrowserError)?.message.contains("/root or /other") == true
        }
    }

    @Test(
        "Paths below a root are taken",
        arguments: [
            ("a", "/root/a"), ("a/b", "/root/a/b"), ("./a//b", "/root/a/b"), ("/root/a", "/root/a"),
            ("/other/x/y", "/other/x/y"), ("...", "/root/..."),
            ("a..b", "/root/a..b"), ("/root//a", "/root/a"),
        ])
    func accepts(written: String, path: String) throws {
        #expect(try ConfinedPath(written, roots: ["/root", "/other"]).path == path)
    }

    @Test("A file is written whole, for the owner only, and replaces a link instead of following it")
    func writes() throws {
        try withDirectories { root, outside in
            let place = try ConfinedPath("deep/down/file.bin", roots: [root])
            try place.write([1, 2, 3])
            #expect(try DurableFile.read(place.path) == [1, 2, 3])
            #expect(try place.size() == 3)
            var status = stat()
            #expect(stat(place.path, &status) == 0 && status.st_mode & 0o777 == 0o600)
            #expect(stat(root + "/deep/down", &status) == 0 && status.st_mode & 0o777 == 0o700)
            symlink(outside + "/target", root + "/link")
            try ConfinedPath("link", roots: [root]).write([4])
            #expect(!DurableFile.exists(outside + "/target"))
            #expect(try DurableFile.read(root + "/link") == [4])
            symlink(outside, root + "/away")
            for write in ["away/x", "away/deep/x", "link/x"] {
                #expect(throws: BrowserError.self) { try ConfinedPath(write, roots: [root]).write([5]) }
            }
            #expect(throws: BrowserError.self) { try ConfinedPath("deep/down", roots: [root]).write([5]) }
            #expect(try FileManager.default.contentsOfDirectory(atPath: outside).isEmpty)
            #expect(try FileManager.default.contentsOfDirectory(atPath: root + "/deep/down") == ["file.bin"])
        }
    }

    @Test("Only regular files that are really there are opened")
    func opens() throws {
        try withDirectories { root, outside in
            try DurableFile.createDirectory(root + "/folder")
            try DurableFile.write([1], to: outside + "/secret")
            symlink(outside + "/secret", root + "/link")
            symlink(outside, root + "/away")
            mkfifo(root + "/pipe", 0o600)
            for (name, code) in [
                ("none", "no_file"), ("link", "invalid_path"), ("away/secret", "invalid_path"),
                ("folder", "invalid_path"), ("pipe", "invalid_path"),
                ("folder/none", "no_file"),
            ] {
                #expect(throws: BrowserError.self, "\(name)") { try ConfinedPath(name, roots: [root]).size() }
                do { try ConfinedPath(name, roots: [root]).size() } catch {
                    #expect((error as? BrowserError)?.code == code, "\(name)")
                }
            }
        }
    }

    @Test("What is given up leaves nothing behind, and a file can be taken over")
    func discards() throws {
        try withDirectories { root, outside in
            let file = try ConfinedFile(try ConfinedPath("x", roots: [root]))
            try file.append([UInt8](repeating: 1, count: 100_000))
            file.discard()
            #expect(try FileManager.default.contentsOfDirectory(atPath: root).isEmpty)
            try DurableFile.write([9], to: outside + "/made")
            try ConfinedPath("sub/taken", roots: [root]).receive(fileAt: outside + "/made")
            #expect(try DurableFile.read(root + "/sub/taken") == [9])
            #expect(
                ConfinedPath.fresh(in: root, prefix: "a", suffix: "png").name
                    != ConfinedPath.fresh(in: root, prefix: "a", suffix: "png").name)
        }
    }
}
