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

/// The most descriptors that a program gets beyond 0, 1 and 2.
#define JARVIS_SPAWN_EXTRA 8

/// A program to start. All pointers are borrowed for the call.
struct jarvis_spawn {
    const char *path;
    char *const *arguments;
    char *const *environment;
    /// NULL: the caller's.
    const char *directory;
    /// Descriptors for 0, 1 and 2; negative means /dev/null.
    int standard_input, standard_output, standard_error;
    /// Whether it leaves the terminal and leads a session of its own.
    int new_session;
    /// Whether it leads a process group of its own.
    int new_group;
    /// What it gets when the thread that started it ends (Linux); 0 for nothing.
    int death_signal;
    /// Descriptors that become 3, 4 and so on; at most JARVIS_SPAWN_EXTRA.
    const int *extra;
    size_t extra_count;
};

/// Starts a program with default signal actions, no blocked signals and no descriptor but 0, 1, 2 and the extra
/// ones. Returns its pid, or -1. `error` is 0, or why the program did not begin; then a pid, if any, is that of a child to collect.
pid_t jarvis_spawn_process(const struct jarvis_spawn *spawn, int *error);

/// Whether the signal is ignored: 1 or 0; -1 with errno set.
int jarvis_signal_is_ignored(int number);

/// From now on the signal only leaves a note, which `jarvis_signal_was_noted` tells (1 or 0). One signal at a time.
int jarvis_note_signal(int number);
int jarvis_signal_was_noted(void);

/// Makes this process the parent of its orphaned descendants (Linux). Returns 0 on success.
int jarvis_set_subreaper(void);

/// A descriptor that stands for one process and turns readable when it ends (Linux 5.3); -1 with errno set.
int jarvis_pidfd_open(pid_t pid);

/// Sends a signal to exactly that process, never to one that got its number later. Returns 0 on success.
int jarvis_pidfd_signal(int pidfd, int number);

#endif
