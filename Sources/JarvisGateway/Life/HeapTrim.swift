import CJarvisShims

/// Gives memory back after the last client left: glibc keeps what a burst of sockets used.
enum HeapTrim {
    /// Called on the event loop; takes well under a millisecond on a small heap.
    static func afterBurst() { _ = jarvis_malloc_trim() }
}
