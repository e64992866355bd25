import JarvisCore

extension BrowserRoutes {
    static let lifecycle: [BrowserRoute] = []
}
