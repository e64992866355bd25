#ifndef C_JARVIS_SHIMS_H
#define C_JARVIS_SHIMS_H

// What the Swift Glibc module does not export, or exports in a shape that Swift can't call.

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// Gives freed heap back to the kernel. Returns 1 when memory was released; 0 elsewhere and off glibc.
int jarvis_malloc_trim(void);

/// Unmaps the read-only pages of the program that were mapped so far; what is used again is mapped again from the page
/// cache. A no-op off Linux.
void jarvis_unmap_program_pages(void);

/// Caps the number of malloc arenas (glibc keeps the high-water mark of each). A no-op off glibc.
void jarvis_malloc_arena_max(int arenas);

/// Peer credentials of a connected unix socket. Returns 0 on success, else -1 with errno set.
/// `pid` is 0 where the system does not tell it.
int jarvis_peer_credentials(int fd, uint32_t *uid, uint32_t *gid, int32_t *pid);

/// Renames `from` to `to` only when nothing is at `to`. Returns 0, or -1 with errno set: EEXIST when something is there.
/// Where the kernel or the file system can't do that in one step, it looks first and renames then.
int jarvis_rename_exclusive(const char *from, const char *to);

/// A pipe whose two ends are closed on exec, in one step where the system can. Returns 0 on success, else -1 with errno set.
int jarvis_pipe_cloexec(int ends[2]);

#endif
