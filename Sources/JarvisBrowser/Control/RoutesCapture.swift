import JarvisCore

extension BrowserRoutes {
    static let capture: [BrowserRoute] = []
}
