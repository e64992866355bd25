import JarvisCore

extension BrowserRoutes {
    static let tracing: [BrowserRoute] = []
}
