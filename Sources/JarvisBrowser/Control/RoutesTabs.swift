import JarvisCore

extension BrowserRoutes {
    static let tabs: [BrowserRoute] = []
}
