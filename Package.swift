// swift-tools-version: 6.2
import PackageDescription

// House rules for this file: one MARK a layer, targets low to high, a target depends only on what
// docs/modules.md grants it (scripts/lint.py compares the two with the imports in the sources).

let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
]

let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let system: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let ordered: Target.Dependency = .product(name: "OrderedCollections", package: "swift-collections")
let deque: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let cryptoExtras: Target.Dependency = .product(name: "CryptoExtras", package: "swift-crypto")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioWebSocket: Target.Dependency = .product(name: "NIOWebSocket", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "jarvis",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "jarvis", targets: ["jarvis"]),
        .library(name: "JarvisKit", targets: ["JarvisKit"]),
        .library(name: "JarvisProtocol", targets: ["JarvisProtocol"]),
        .library(name: "JarvisClient", targets: ["JarvisClient"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    ],
    targets: [
        // MARK: C shims
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .target(name: "CJarvisShims"),

        // MARK: Words
        .target(
            name: "JarvisCore", dependencies: ["CJarvisShims", logging, system, ordered, deque, crypto, cryptoExtras],
            swiftSettings: strict),
        .target(name: "JarvisFormats", dependencies: ["JarvisCore"], swiftSettings: strict),
        .target(name: "JarvisKit", dependencies: ["JarvisCore"], swiftSettings: strict),

        // MARK: This host
        .target(name: "JarvisConfig", dependencies: ["JarvisCore", "JarvisFormats"], swiftSettings: strict),
        .target(name: "JarvisSystem", dependencies: ["JarvisCore", "CJarvisShims"], swiftSettings: strict),
        .target(
            name: "JarvisHost", dependencies: ["JarvisCore", "JarvisFormats", "JarvisConfig", "JarvisSystem"],
            swiftSettings: strict),
        .target(name: "JarvisStore", dependencies: ["JarvisCore", "JarvisKit", "CSQLite"], swiftSettings: strict),

        // MARK: Wire
        .target(
            name: "JarvisNet",
            dependencies: [
                "JarvisCore", "CJarvisShims", nioCore, nioPosix, nioHTTP1, nioWebSocket, nioSSL,
            ], swiftSettings: strict),
        .target(name: "JarvisProtocol", dependencies: ["JarvisCore", crypto], swiftSettings: strict),
        .target(
            name: "JarvisClient", dependencies: ["JarvisCore", "JarvisProtocol", "JarvisNet", nioCore, nioPosix],
            swiftSettings: strict),

        // MARK: Assistant
        .target(
            name: "JarvisProviders", dependencies: ["JarvisCore", "JarvisKit", "JarvisNet"], swiftSettings: strict),
        .target(
            name: "JarvisBrowser",
            dependencies: ["JarvisCore", "CJarvisShims", "JarvisNet", "JarvisSystem", nioCore, nioPosix, logging],
            swiftSettings: strict),
        .target(
            name: "JarvisTools",
            dependencies: ["JarvisCore", "JarvisKit", "JarvisNet", "JarvisSystem", "JarvisStore", "JarvisBrowser"],
            swiftSettings: strict),
        .target(
            name: "JarvisAgent", dependencies: ["JarvisCore", "JarvisKit", "JarvisStore", "JarvisFormats"],
            swiftSettings: strict),

        // MARK: Gateway and command line
        .target(
            name: "JarvisGateway",
            dependencies: [
                "JarvisCore", "JarvisFormats", "JarvisKit", "JarvisConfig", "JarvisHost", "JarvisStore", "JarvisNet",
                "JarvisSystem", "JarvisProtocol", "JarvisProviders", "JarvisBrowser", "JarvisTools", "JarvisAgent",
                "CJarvisShims",
                nioCore,
                nioPosix, logging,
            ], swiftSettings: strict),
        .target(
            name: "JarvisCLI",
            dependencies: [
                "JarvisCore", "JarvisFormats", "JarvisKit", "JarvisConfig", "JarvisHost", "JarvisStore",
                "JarvisProtocol", "JarvisClient", "JarvisNet", "JarvisBrowser", "JarvisAgent", "JarvisGateway",
                "JarvisSystem", nioCore,
                nioPosix, nioHTTP1, nioWebSocket, logging, arguments,
            ], swiftSettings: strict),
        .executableTarget(
            name: "jarvis", dependencies: ["JarvisCLI"],
            swiftSettings: strict,
            linkerSettings: [
                .unsafeFlags(
                    [
                        "-static-executable", "-use-ld=lld", "-Xlinker", "--icf=all", "-Xlinker", "-O2", "-Xlinker",
                        "-s", "-lm",
                        // No sorting of unwind tables at run time: Sources/CJarvisShims/unwind.c.
                        "-Xlinker", "--wrap=__register_frame_info", "-Xlinker", "--wrap=__deregister_frame_info",
                    ],
                    .when(platforms: [.linux], configuration: .release))
            ]),

        // MARK: Tests
        .target(
            name: "JarvisTestSupport", dependencies: ["JarvisCore", "JarvisKit", "JarvisStore"],
            swiftSettings: strict),
        .testTarget(name: "JarvisCoreTests", dependencies: ["JarvisCore", "JarvisTestSupport"]),
        .testTarget(name: "JarvisFormatsTests", dependencies: ["JarvisFormats", "JarvisTestSupport"]),
        .testTarget(name: "JarvisConfigTests", dependencies: ["JarvisConfig", "JarvisTestSupport"]),
        .testTarget(name: "JarvisHostTests", dependencies: ["JarvisHost", "JarvisTestSupport"]),
        .testTarget(name: "JarvisSystemTests", dependencies: ["JarvisSystem", "JarvisTestSupport"]),
        .testTarget(name: "JarvisStoreTests", dependencies: ["JarvisStore", "JarvisTestSupport"]),
        .testTarget(
            name: "JarvisNetTests",
            dependencies: ["JarvisNet", "JarvisTestSupport", nioCore, nioPosix, nioHTTP1, nioSSL, nioEmbedded]),
        .testTarget(
            name: "JarvisProvidersTests",
            dependencies: ["JarvisProviders", "JarvisNet", "JarvisTestSupport", nioCore, nioPosix]),
        .testTarget(
            name: "JarvisBrowserTests",
            dependencies: ["JarvisBrowser", "JarvisNet", "JarvisTestSupport", nioCore, nioPosix, nioHTTP1]),
        .testTarget(name: "JarvisToolsTests", dependencies: ["JarvisTools", "JarvisTestSupport"]),
        .testTarget(name: "JarvisAgentTests", dependencies: ["JarvisAgent", "JarvisTestSupport"]),
        .testTarget(
            name: "JarvisGatewayTests",
            dependencies: ["JarvisGateway", "JarvisClient", "JarvisTestSupport", nioPosix, logging]),
        .testTarget(name: "JarvisCLITests", dependencies: ["JarvisCLI", "JarvisTestSupport"]),
    ]
)
