import JarvisCore

extension BrowserRoutes {
    static let navigation: [BrowserRoute] = []
}
