// The release link replaces libgcc's registration of unwind tables with nothing (--wrap, see Package.swift): a registered
// table is sorted when the first thread ends by pthread_exit, as the main thread of a program with an asynchronous main
// does, and for this program that takes 35 ms. Without it libgcc finds the table that the linker has sorted already.

void __wrap___register_frame_info(const void *begin, void *object) {
    (void)begin;
    (void)object;
}

void *__wrap___deregister_frame_info(const void *begin) {
    (void)begin;
    return 0;
}
