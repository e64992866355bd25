import JarvisCore

extension BrowserRoutes {
    static let activity: [BrowserRoute] = []
}
