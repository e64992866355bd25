#define _GNU_SOURCE
#include "CJarvisShims.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

#ifndef NSIG
#define NSIG 65
#endif

// Between fork and exec only calls that are safe there: other threads may hold any lock.
static void child(const struct jarvis_spawn *spawn, pid_t parent, int report) {
    for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (spawn->new_session && setsid() < 0) goto failed;
    if (spawn->new_group && !spawn->new_session && setpgid(0, 0) != 0) goto failed;
#if defined(__linux__)
    if (spawn->death_signal != 0) {
        if (prctl(PR_SET_PDEATHSIG, (unsigned long)spawn->death_signal, 0, 0, 0) != 0) goto failed;
        // The parent may be gone already, and then no signal will come.
        if (getppid() != parent) _exit(127);
    }
#else
    (void)parent;
#endif
    if (spawn->directory != NULL && chdir(spawn->directory) != 0) goto failed;
    // First out of the way of the numbers that are given out, so that no copy overwrites a source.
    int count = 3 + (int)spawn->extra_count, spare = count;
    report = fcntl(report, F_DUPFD_CLOEXEC, spare);
    if (report < 0) _exit(127);
    int source[3 + JARVIS_SPAWN_EXTRA];
    for (int index = 0; index < count; index++) {
        int wanted = index == 0   ? spawn->standard_input
                     : index == 1 ? spawn->standard_output
                     : index == 2 ? spawn->standard_error
                                  : spawn->extra[index - 3];
        wanted = wanted < 0 ? open("/dev/null", O_RDWR) : wanted;
        if (wanted < 0) goto failed;
        source[index] = fcntl(wanted, F_DUPFD, spare);
        if (source[index] < 0) goto failed;
    }
    for (int index = 0; index < count; index++) {
        if (dup2(source[index], index) < 0) goto failed;
        close(source[index]);
    }
#if defined(__linux__) && defined(SYS_close_range)
    // CLOSE_RANGE_CLOEXEC: also what somebody opened without O_CLOEXEC stays here.
    syscall(SYS_close_range, (unsigned)count, ~0u, 4u);
#endif
    execve(spawn->path, spawn->arguments, spawn->environment);
failed:;
    int number = errno;
    ssize_t ignored = write(report, &number, sizeof number);
    (void)ignored;
    _exit(127);
}

pid_t jarvis_spawn_process(const struct jarvis_spawn *spawn, int *error) {
    int report[2];
    if (spawn->extra_count > JARVIS_SPAWN_EXTRA) {
        *error = EINVAL;
        return -1;
    }
    if (pipe(report) != 0) {
        *error = errno;
        return -1;
    }
    fcntl(report[0], F_SETFD, FD_CLOEXEC);
    fcntl(report[1], F_SETFD, FD_CLOEXEC);
    pid_t parent = getpid();
    // A signal handler of the parent must not run in the child.
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pid_t pid = fork();
    if (pid == 0) child(spawn, parent, report[1]);
    int number = errno;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    close(report[1]);
    if (pid < 0) {
        close(report[0]);
        *error = number;
        return -1;
    }
    ssize_t count;
    do {
        count = read(report[0], &number, sizeof number);
    } while (count < 0 && errno == EINTR);
    close(report[0]);
    *error = count == sizeof number ? number : 0;
    return pid;
}

static volatile sig_atomic_t noted = 0;

static void note(int number) {
    (void)number;
    noted = 1;
}

int jarvis_note_signal(int number) {
    struct sigaction action = {0};
    action.sa_handler = note;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    return sigaction(number, &action, NULL);
}

int jarvis_signal_was_noted(void) { return noted; }

int jarvis_signal_is_ignored(int number) {
    struct sigaction action;
    if (sigaction(number, NULL, &action) != 0) return -1;
    return action.sa_handler == SIG_IGN ? 1 : 0;
}

int jarvis_set_subreaper(void) {
#if defined(__linux__)
    return prctl(PR_SET_CHILD_SUBREAPER, 1UL, 0, 0, 0);
#else
    errno = ENOSYS;
    return -1;
#endif
}

int jarvis_pidfd_open(pid_t pid) {
#if defined(__linux__) && defined(SYS_pidfd_open)
    return (int)syscall(SYS_pidfd_open, pid, 0);
#else
    (void)pid;
    errno = ENOSYS;
    return -1;
#endif
}

int jarvis_pidfd_signal(int pidfd, int number) {
#if defined(__linux__) && defined(SYS_pidfd_send_signal)
    return (int)syscall(SYS_pidfd_send_signal, pidfd, number, NULL, 0);
#else
    (void)pidfd;
    (void)number;
    errno = ENOSYS;
    return -1;
#endif
}
