#include "enter/children.h"

#include "base/cleanup.h"
#include "base/files.h"
#include "base/format.h"
#include "base/sys.h"
#include "enter/tracing.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* One look takes so many: a target that sends signals to what is traced makes events without end. */
enum { EVENTS_MAX = 256 };

static bool is_named(const struct children *children, pid_t pid) {
    for (size_t i = 0; i < CHILD_NAMES; i++) {
        if (children->slot[i].pid == pid && !children->slot[i].ended) {
            return true;
        }
    }
    return false;
}

int children_expect(struct children *children, enum child_name name, pid_t pid) {
    siginfo_t info = {0};
    struct child *child = &children->slot[name];
    /* WNOWAIT: asked only whether it is ours. As long as we have not reaped it, the pid is nobody else's. */
    if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) < 0) {
        return -errno;
    }
    if (is_named(children, pid)) {
        return -EEXIST;
    }
    int pidfd = (int)sys2(__NR_pidfd_open, pid, 0);
    if (pidfd < 0) {
        return pidfd;
    }
    close_fd(&child->pidfd);
    *child = (struct child){.pid = pid, .pidfd = pidfd};
    return 0;
}

bool child_ended(const struct children *children, enum child_name name, int *status) {
    const struct child *child = &children->slot[name];
    if (child->ended) {
        *status = child->status;
    }
    return child->ended;
}

bool child_is_gone(const struct children *children, enum child_name name) { return children->slot[name].pid == 0 || children->slot[name].ended; }

void child_signal(const struct children *children, enum child_name name, int number) {
    if (!child_is_gone(children, name) && children->slot[name].pidfd >= 0) {
        sys4(__NR_pidfd_send_signal, children->slot[name].pidfd, number, 0, 0);
    }
}

static void note_ended(struct children *children, pid_t pid, int status) {
    for (size_t i = 0; i < CHILD_NAMES; i++) {
        struct child *child = &children->slot[i];
        if (child->pid == pid && !child->ended) {
            child->status = status;
            child->ended = true;
            return;
        }
    }
}

void children_reap(struct children *children) {
    pid_t pid = 0;
    int status = 0;
    int events = 0;
    while (events < EVENTS_MAX && (pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0) {
        events++;
        if (WIFSTOPPED(status)) {
            tracing_let_go_on(children, pid);
        } else {
            note_ended(children, pid, status);
        }
    }
    children->more = events == EVENTS_MAX;
}

static bool is_namespace(int fd, uint64_t inode) {
    struct stat st;
    return fd >= 0 && fstat(fd, &st) == 0 && st.st_ino == inode;
}

static bool is_in_or_below(pid_t pid, uint64_t pid_namespace, uint64_t own) {
    char path[32];
    format_text(path, sizeof path, "/proc/%d/ns/pid", (int)pid);
    cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (is_namespace(fd, pid_namespace)) {
        return true;
    }
    cleanup_close int parent = fd < 0 || pid_namespace == own ? -1 : ioctl(fd, NS_GET_PARENT);
    return is_namespace(parent, pid_namespace);
}

int children_kill_strays(const struct children *children, uint64_t pid_namespace, uint64_t own) {
    cleanup_free char *text = NULL;
    struct span rest;
    struct span word;
    uint64_t pid = 0;
    int count = 0;
    /* There are others below our own, also some that came with us through execve; and traced, none of the run's can have been missed. */
    if (pid_namespace == own && children->traced) {
        return 0;
    }
    /* Needs CONFIG_PROC_CHILDREN; without it there is nothing to be seen. They are not reaped while we look: the numbers are theirs. */
    if (read_whole_at(AT_FDCWD, "/proc/thread-self/children", &text, &rest) < 0) {
        return 0;
    }
    while (span_cut(&rest, ' ', &word)) {
        if (!span_number(word, &pid) || is_named(children, (pid_t)pid) || !is_in_or_below((pid_t)pid, pid_namespace, own)) {
            continue;
        }
        cleanup_close int pidfd = (int)sys2(__NR_pidfd_open, pid, 0);
        if (pidfd >= 0) {
            count++;
            sys4(__NR_pidfd_send_signal, pidfd, SIGKILL, 0, 0);
        }
    }
    return count;
}

void children_close(struct children *children) {
    for (size_t i = 0; i < CHILD_NAMES; i++) {
        close_fd(&children->slot[i].pidfd);
    }
}
