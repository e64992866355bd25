import JarvisCore

extension BrowserRoutes {
    static let actions: [BrowserRoute] = []
}
