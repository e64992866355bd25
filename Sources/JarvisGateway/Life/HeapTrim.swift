import CJarvisShims

/// Gives memory back that is not needed again soon.
enum HeapTrim {
    /// After the last client left: glibc keeps what a burst of sockets used. Called on the event loop; takes well under
    /// a millisecond on a small heap.
    static func afterBurst() { _ = jarvis_malloc_trim() }

    /// Once the gateway serves, or a browser runs: the heap that only the start used, and the program's pages, of which a
    /// start maps three times as many as serving needs. Blocks for about a millisecond.
    static func afterStart() {
        _ = jarvis_malloc_trim()
        jarvis_unmap_program_pages()
    }
}
