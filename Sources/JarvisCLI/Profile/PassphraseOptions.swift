import ArgumentParser
import JarvisCore

/// Where a passphrase comes from. Never from the command line itself, which other users can see.
struct PassphraseOptions: ParsableArguments {
    @Option(help: "A file whose first line is the passphrase.")
    var passphraseFile: String?

    @Flag(help: "The passphrase is the first line of standard input.")
    var passphraseStdin = false

    var isGiven: Bool { passphraseFile != nil || passphraseStdin }

    /// The passphrase as UTF-8; asked for in a terminal when `asks`.
    ///
    /// - Throws: `usage.passphrase`, exit 2, when there is none.
    func read(_ context: CLIContext, asks: Bool) throws -> [UInt8] {
        if passphraseFile != nil, passphraseStdin {
            throw JarvisError(
                "usage.passphrase", "--passphrase-file and --passphrase-stdin can't be combined.", exitCode: 2)
        }
        if let passphraseFile {
            return Self.line(try DurableFile.read(try context.absolutePath(passphraseFile), limit: 64 << 10))
        }
        if passphraseStdin { return Self.line(try Terminal.readStandardInput(limit: 64 << 10)) }
        if asks, context.terminal.canAsk { return Array(try Question.secret("Passphrase of the archive").utf8) }
        throw JarvisError(
            "usage.passphrase", "A passphrase is needed.",
            hint: "Give it by --passphrase-file FILE or --passphrase-stdin.", exitCode: 2)
    }

    private static func line(_ bytes: [UInt8]) -> [UInt8] {
        Array(bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") })
    }
}
