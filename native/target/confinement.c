#include "target/confinement.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/format.h"
#include "base/pidfd.h"
#include "base/sys.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#ifndef PTRACE_SECCOMP_GET_FILTER
#define PTRACE_SECCOMP_GET_FILTER 0x420c
#endif
#ifndef BPF_MAXINSNS
#define BPF_MAXINSNS 4096
#endif

/* A process stops for its tracer at once, unless it is frozen or in a system call that nothing ends. */
enum { STOP_LIMIT_MS = 1000, LOOK_EVERY_MS = 1, BY_FILTER = 2 };

/* --- seccomp */

/** Waits until it has stopped for us. */
static bool await_stop(pid_t pid) {
    int64_t until = clock_ms() + STOP_LIMIT_MS;
    int status = 0;
    pid_t got = 0;
    while ((got = waitpid(pid, &status, WNOHANG | __WALL)) == 0 && clock_ms() < until) {
        poll(NULL, 0, LOOK_EVERY_MS);
    }
    return got == pid && WIFSTOPPED(status);
}

/** What the process that asks shares with us. */
struct copy {
    long count; /**< instructions; -errno */
    struct sock_filter filter[BPF_MAXINSNS];
};

/** The oldest of its filters, 0 in the kernel's counting: the runtime's, which is there before the image's program runs; what that puts over itself comes after it. */
static long copy_filter(const struct target *target, struct sock_filter *out) {
    long count = ptrace(PTRACE_SEIZE, target->pid, 0, 0) < 0 ? -errno : 0;
    if (count < 0 || target_is_gone(target)) {
        return count < 0 ? count : -ESRCH;
    }
    /* Alive, it was and is the one that has this pid. */
    if (ptrace(PTRACE_INTERRUPT, target->pid, 0, 0) < 0 || !await_stop(target->pid)) {
        return -ETIMEDOUT;
    }
    count = ptrace(PTRACE_SECCOMP_GET_FILTER, target->pid, 0, NULL);
    count = count > 0 && count <= BPF_MAXINSNS ? ptrace(PTRACE_SECCOMP_GET_FILTER, target->pid, 0, out) : count;
    return count < 0 ? -errno : count == 0 ? -ENODATA : count;
}

/**
 * In a process of its own: when that ends, the kernel lets the target go on in whatever state it is, also one that would have stopped only later. Waits for its end.
 */
static long read_filter(const struct target *target, struct copy *copy) {
    copy->count = -ETIMEDOUT;
    long pid = sys_fork(0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        /* With our end it goes on, and gets what signal it has stopped for. */
        copy->count = copy_filter(target, copy->filter);
        sys_exit(0);
    }
    if (pid < 0) {
        return pid;
    }
    cleanup_close int pidfd = (int)sys2(__NR_pidfd_open, pid, 0);
    if (pidfd >= 0 && !pidfd_ends_within(pidfd, 2 * STOP_LIMIT_MS)) {
        sys4(__NR_pidfd_send_signal, pidfd, SIGKILL, 0, 0);
    }
    while (waitpid((pid_t)pid, NULL, __WALL) < 0 && errno == EINTR) {
    }
    return copy->count;
}

static const char *why_unread(long number) {
    switch (number) {
    case -EPERM:
        return "somebody traces its process, or the kernel lets nobody do that";
    case -EACCES:
        return "nsexec is under a seccomp filter itself, and may not";
    case -ETIMEDOUT:
        return "its process does not stop for a moment, as that needs";
    case -EMEDIUMTYPE:
        return "it is not of classic BPF";
    default:
        return strerror((int)-number);
    }
}

static int take_filter(struct confinement *confinement, const struct target *target, struct error *err) {
    if (target->status.seccomp == 0) {
        return 0;
    }
    struct copy *copy = mmap(NULL, sizeof *copy, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (copy == MAP_FAILED) {
        return fail(err, "internal", errno, "make memory for the target's seccomp filter");
    }
    long count = target->status.seccomp == BY_FILTER ? read_filter(target, copy) : -EOPNOTSUPP;
    int result = 0;
    if (target_is_gone(target)) {
        result = fail(err, "target-gone", 0, "process %d, the target, has ended", (int)target->pid);
    } else if (count < 0) {
        format_text(confinement->seccomp_missing, sizeof confinement->seccomp_missing, "its seccomp filter, which cannot be read: %s", why_unread(count));
    } else {
        confinement->filter = calloc((size_t)count, sizeof *confinement->filter);
        confinement->filter_count = (size_t)count;
        if (confinement->filter == NULL) {
            result = fail(err, "internal", ENOMEM, "remember the target's seccomp filter");
        } else {
            memcpy(confinement->filter, copy->filter, (size_t)count * sizeof *copy->filter);
        }
    }
    munmap(copy, sizeof *copy);
    return result;
}

/* --- security modules */

/** attr/apparmor/current where several modules share the machine (Linux 5.8), else the one that there is. -errno: there is no module that says anything. */
static ssize_t read_label(int proc, char *out, size_t size) {
    ssize_t got = read_file_at(proc, "attr/apparmor/current", out, size);
    return got > 0 ? got : read_file_at(proc, "attr/current", out, size);
}

/** What the process says of itself, terminated; where that is what our own does, nothing. How long it is. */
static size_t foreign_label(int proc, char *label, size_t size) {
    char ours[PROFILE_BYTES + 16];
    cleanup_close int self = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
    ssize_t got = read_label(proc, label, size);
    ssize_t own = self < 0 ? -1 : read_label(self, ours, sizeof ours);
    if (got <= 0 || (got == own && memcmp(label, ours, (size_t)got) == 0)) {
        return 0;
    }
    label[got] = '\0'; /* A file that fills all of it is an error. */
    label[strcspn(label, "\n")] = '\0';
    return strlen(label);
}

void confinement_read_profile(struct confinement *confinement, int proc) {
    char label[PROFILE_BYTES + 16];
    size_t length = foreign_label(proc, label, sizeof label);
    if (length > 0 && proc_parse_label((struct span){label, length}, confinement->profile) == LABEL_OTHER) {
        format_text(confinement->lsm_missing, sizeof confinement->lsm_missing, "its security label `%.200s` (SELinux, Smack): the workload has the agent's", label);
    }
}

int confinement_read(struct confinement *confinement, const struct target *target, struct error *err) {
    *confinement = (struct confinement){0};
    confinement_read_profile(confinement, target->proc);
    return take_filter(confinement, target, err);
}

void confinement_free(struct confinement *confinement) { free_pointer(&confinement->filter); }
