import JarvisCore

extension BrowserRoutes {
    static let profiles: [BrowserRoute] = []
}
