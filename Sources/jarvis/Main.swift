import JarvisCLI

/// The program; everything it does is in `JarvisCLI`.
@main
struct Main {
    static func main() {
        CommandLineEntry.main()
    }
}
