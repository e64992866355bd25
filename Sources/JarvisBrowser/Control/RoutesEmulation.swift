import JarvisCore

extension BrowserRoutes {
    static let emulation: [BrowserRoute] = []
}
