import JarvisCore

extension BrowserRoutes {
    static let state: [BrowserRoute] = []
}
