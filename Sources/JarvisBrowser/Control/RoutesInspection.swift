import JarvisCore

extension BrowserRoutes {
    static let inspection: [BrowserRoute] = []
}
