#define _GNU_SOURCE
#include "CJarvisShims.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

int jarvis_malloc_trim(void) {
#if defined(__GLIBC__)
    return malloc_trim(0);
#else
    return 0;
#endif
}

void jarvis_malloc_arena_max(int arenas) {
#if defined(__GLIBC__)
    mallopt(M_ARENA_MAX, arenas);
#else
    (void)arenas;
#endif
}

int jarvis_peer_credentials(int fd, uint32_t *uid, uint32_t *gid, int32_t *pid) {
#if defined(__linux__)
    struct ucred credentials;
    socklen_t length = sizeof credentials;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) return -1;
    *uid = credentials.uid;
    *gid = credentials.gid;
    *pid = credentials.pid;
    return 0;
#else
    uid_t peerUid;
    gid_t peerGid;
    if (getpeereid(fd, &peerUid, &peerGid) != 0) return -1;
    *uid = peerUid;
    *gid = peerGid;
    *pid = 0;
    return 0;
#endif
}
