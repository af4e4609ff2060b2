/* The root of the programs that come as a toolbox. */
#include "enter/tool-root.h"

#include "base/cleanup.h"
#include "base/descriptors.h"
#include "base/format.h"
#include "base/pidfd.h"
#include "base/sys.h"
#include "enter/link.h"
#include "errand.h"
#include "proc/mount.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

int tool_root_enter(int tool_root) { return (int)sys2(__NR_setns, tool_root, CLONE_NEWNS); }

/* It waits for nobody but the kernel; an agent may have hardly any CPU. */
enum { MAKE_LIMIT_MS = 10000, HOLD_LIMIT_MS = 5000 };

/* --- in the child that makes the namespace */

struct making {
    int toolbox, proc, dev; /**< mounts that are attached nowhere; the last two -1: without them */
    int holder;             /**< the namespace that the toolbox is attached in already, to be copied; -1: it is attached nowhere */
    int link;
};

static int say(const char *what, long result) {
    char text[160];
    format_text(text, sizeof text, "%s: %s", what, strerror((int)-result));
    ssize_t written = write(2, text, strlen(text));
    (void)written; /* The exit code says it too. */
    return EXIT_OWN_FAILURE;
}

static long attach(int mount, int at, const char *path) { return sys5(__NR_move_mount, mount, "", at, path, MOVE_MOUNT_F_EMPTY_PATH); }

static long read_only(const char *path, unsigned long flags) { return sys5(__NR_mount, 0, path, 0, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | flags, 0); }

/** A copy of our mount namespace, of which nothing reaches another, and in it as one that has never been anywhere else: whoever started us with chroot is left behind. `own`: /proc/self/ns. -errno, or its descriptor. */
static long leave(int own) {
    long result = sys1(__NR_unshare, CLONE_NEWNS);
    if (result < 0) {
        return result;
    }
    cleanup_close int namespace = openat(own, "mnt", O_RDONLY | O_CLOEXEC);
    if (namespace < 0) {
        return -errno;
    }
    result = sys2(__NR_setns, namespace, CLONE_NEWNS);
    result = result < 0 ? result : sys5(__NR_mount, 0, "/", 0, MS_REC | MS_PRIVATE, 0);
    return result < 0 ? result : steal_fd(&namespace);
}

/** pivot_root(2), "pivot_root(".", ".")". Where the root is the kernel's first one, which cannot be moved, it stays below ours, where no path leads. */
static long replace_root(int toolbox) {
    long result = sys1(__NR_fchdir, toolbox);
    result = result < 0 ? result : sys2(__NR_pivot_root, ".", ".");
    return result == -EINVAL ? sys1(__NR_chroot, ".") : result < 0 ? result : sys2(__NR_umount2, ".", MNT_DETACH);
}

/** Ours with the toolbox as root, which is read-only then; or a copy of the one in which it is that. Its descriptor, or -errno with `what` failed. */
static long make_namespace(const struct making *making, const char **what) {
    /* Where the toolbox is there is no /proc. */
    cleanup_close int own = open("/proc/self/ns", O_PATH | O_DIRECTORY | O_CLOEXEC);
    *what = "enter where the toolbox is";
    long result = making->holder < 0 ? 0 : sys2(__NR_setns, making->holder, CLONE_NEWNS);
    if (result < 0) {
        return result;
    }
    *what = "make a mount namespace";
    long namespace = leave(own);
    if (namespace < 0 || making->holder >= 0) {
        return namespace;
    }
    *what = "mount the toolbox";
    result = attach(making->toolbox, AT_FDCWD, "/");
    if (result == 0) {
        *what = "change the root";
        result = replace_root(making->toolbox);
    }
    return result < 0 ? result : namespace;
}

static int make(const void *argument) {
    const struct making *making = argument;
    const char *what = NULL;
    long namespace = make_namespace(making, &what);
    if (namespace < 0) {
        return say(what, namespace);
    }
    long result = making->proc < 0 ? 0 : attach(making->proc, AT_FDCWD, "proc");
    result = result < 0 || making->dev < 0 ? result : attach(making->dev, AT_FDCWD, "dev");
    if (result < 0) {
        return say("mount what the tools need", result);
    }
    result = making->holder >= 0 ? 0 : read_only(".", MS_NODEV);
    result = result < 0 || making->dev < 0 ? result : read_only("./dev", MS_NOEXEC);
    if (result < 0) {
        return say("make it read-only", result);
    }
    const struct message message = {.kind = MESSAGE_TOOLS};
    const int fds[] = {(int)namespace};
    result = link_send(making->link, &message, fds, 1);
    return result < 0 ? say("hand it over", result) : 0;
}

/* --- in the shim */

/** What the tools open of it: null everybody; urandom nft, and stdin for `nft -f -`. */
static int fill_dev(int dev, struct error *err) {
    enum { MEMORY = 1, MINOR_NULL = 3, MINOR_URANDOM = 9 };
    bool made = mknodat(dev, "null", S_IFCHR | 0666, makedev(MEMORY, MINOR_NULL)) == 0 && mknodat(dev, "urandom", S_IFCHR | 0444, makedev(MEMORY, MINOR_URANDOM)) == 0 &&
                symlinkat("/proc/self/fd/0", dev, "stdin") == 0;
    return made ? 0 : fail(err, "internal", errno, "make the devices of the tools");
}

static int make_mount_points(int toolbox, struct error *err) {
    static const char *const points[] = {"proc", "dev"};
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        if (mkdirat(toolbox, points[i], 0555) < 0 && errno != EEXIST) {
            return fail(err, "internal", errno, "make `/%s` of the tools", points[i]);
        }
    }
    return 0;
}

/** 0 and its descriptor in `namespace`, once the child has ended well. */
static int take_over(int ours, int *namespace, struct error *err) {
    struct arrival arrival;
    if (link_receive(ours, &arrival) != 1 || arrival.message.kind != MESSAGE_TOOLS || arrival.fds[0] < 0) {
        return fail(err, "internal", 0, "the process that made a root for the tools did not hand it over");
    }
    close_fd(&arrival.fds[1]);
    *namespace = arrival.fds[0];
    return 0;
}

static int make_in_child(struct run *run, struct making *making, int ours, struct error *err) {
    const int kept[] = {making->toolbox, making->proc, making->dev, making->holder, making->link};
    const struct errand errand = {.work = make, .argument = making, .limit_ms = MAKE_LIMIT_MS, .leash = -1, .may_hang = true, .kept = kept, .kept_count = sizeof kept / sizeof *kept};
    cleanup_outcome struct outcome outcome = {0};
    if (errand_run(run, &errand, &outcome, err) < 0) {
        return -1;
    }
    if (outcome.cut) {
        return 0;
    }
    if (outcome.exit_code != 0) {
        return fail(err, "internal", 0, "make a root for the tools, ended with %d: %.256s", outcome.exit_code, outcome_complaint(&outcome));
    }
    return take_over(ours, &run->tool_root, err);
}

int tool_root_make(struct run *run, int toolbox, struct error *err) {
    cleanup_close int ours = -1;
    cleanup_close int theirs = -1;
    cleanup_close int proc = mount_proc(run->options.command == COMMAND_HOLD, err);
    cleanup_close int dev = proc < 0 ? -1 : mount_dev(err);
    int holder = run->toolbox_holder;
    if (dev < 0 || fill_dev(dev, err) < 0 || (holder < 0 && make_mount_points(toolbox, err) < 0) || link_make(&ours, &theirs, err) < 0) {
        return -1;
    }
    struct making making = {.toolbox = toolbox, .proc = proc, .dev = dev, .holder = holder, .link = theirs};
    return make_in_child(run, &making, ours, err);
}

/* --- in the agent, and what its shims take over */

__attribute__((noreturn)) static void hold_in_child(struct making *making, int says) {
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (dup2(says, 2) < 0) {
        sys_exit(EXIT_OWN_FAILURE);
    }
    const int kept[] = {making->toolbox, making->link};
    close_all_but(3, kept, sizeof kept / sizeof *kept);
    sys_exit(make(making));
}

int tool_root_hold(int toolbox, struct error *err) {
    cleanup_close int ours = -1;
    cleanup_close int theirs = -1;
    int ends[2];
    if (make_mount_points(toolbox, err) < 0 || link_make(&ours, &theirs, err) < 0) {
        return -1;
    }
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
        return fail(err, "internal", errno, "make a pipe");
    }
    cleanup_close int from = ends[0];
    cleanup_close int to = ends[1];
    struct making making = {.toolbox = toolbox, .proc = -1, .dev = -1, .holder = -1, .link = theirs};
    int number = -1;
    long pid = sys5(__NR_clone, CLONE_PIDFD | SIGCHLD, 0, &number, 0, 0);
    if (pid == 0) {
        hold_in_child(&making, to);
    }
    if (pid < 0) {
        return fail(err, "internal", (int)-pid, "make a process");
    }
    cleanup_close int pidfd = number;
    int holder = -1;
    if (!pidfd_ends_within(pidfd, HOLD_LIMIT_MS)) {
        sys4(__NR_pidfd_send_signal, pidfd, SIGKILL, 0, 0);
        return fail(err, "internal", 0, "make a root for the tools: it takes more than %d s", HOLD_LIMIT_MS / 1000);
    }
    char why[160];
    ssize_t got = read(from, why, sizeof why - 1);
    why[got > 0 ? got : 0] = '\0';
    if (got > 0) {
        return fail(err, "internal", 0, "make a root for the tools: %s", why);
    }
    return take_over(ours, &holder, err) < 0 ? -1 : holder;
}

void tool_root_give(int link, int toolbox, int holder) {
    const struct message message = {.kind = MESSAGE_TOOLS};
    const int fds[] = {toolbox, holder};
    (void)link_send(link, &message, fds, 2); /* A shim that has ended needs none. */
}

void tool_root_hear(struct run *run) {
    struct arrival arrival;
    int result = run->toolbox_link < 0 ? -EAGAIN : link_receive(run->toolbox_link, &arrival);
    if (result == -EAGAIN) {
        return;
    }
    if (result == 1 && arrival.message.kind == MESSAGE_TOOLS && arrival.fds[1] >= 0) {
        run->toolbox.mount_fd = arrival.fds[0];
        run->toolbox_holder = arrival.fds[1];
        run->toolbox.ready = true;
    }
    close_fd(&run->toolbox_link);
}
