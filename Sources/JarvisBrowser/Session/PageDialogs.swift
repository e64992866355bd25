import JarvisCore

extension Page {
    /// The tab is about to be left by our own will: questions on the way are answered with yes.
    func leaveQuietly() {}

    /// The end of that.
    func stopLeavingQuietly() {}
}
