import JarvisCore

extension BrowserRoutes {
    static let hooks: [BrowserRoute] = []
}
