/* The root of the programs that come as a toolbox. */
#include "enter/tool-root.h"

#include "base/cleanup.h"
#include "base/format.h"
#include "base/sys.h"
#include "enter/link.h"
#include "errand.h"
#include "proc/mount.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

int tool_root_enter(int tool_root) { return (int)sys2(__NR_setns, tool_root, CLONE_NEWNS); }

/* It waits for nobody but the kernel; an agent may have hardly any CPU. */
enum { MAKE_LIMIT_MS = 10000 };

/* --- in the child that makes the namespace */

struct making {
    int toolbox, proc, dev; /**< mounts that are attached nowhere */
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

/** A copy of our mount namespace, of which nothing reaches another, and in it as one that has never been anywhere else: whoever started us with chroot is left behind. -errno, or its descriptor. */
static long leave(void) {
    long result = sys1(__NR_unshare, CLONE_NEWNS);
    if (result < 0) {
        return result;
    }
    cleanup_close int namespace = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
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

static int make(const void *argument) {
    const struct making *making = argument;
    long namespace = leave();
    if (namespace < 0) {
        return say("make a mount namespace", namespace);
    }
    long result = attach(making->toolbox, AT_FDCWD, "/");
    result = result < 0 ? result : attach(making->proc, making->toolbox, "proc");
    result = result < 0 ? result : attach(making->dev, making->toolbox, "dev");
    if (result < 0) {
        return say("mount what the tools need", result);
    }
    result = replace_root(making->toolbox);
    if (result < 0) {
        return say("change the root", result);
    }
    result = read_only(".", MS_NODEV);
    result = result < 0 ? result : read_only("./dev", MS_NOEXEC);
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

static int make_in_child(struct run *run, struct making *making, int ours, struct error *err) {
    const int kept[] = {making->toolbox, making->proc, making->dev, making->link};
    const struct errand errand = {.work = make, .argument = making, .limit_ms = MAKE_LIMIT_MS, .leash = -1, .may_hang = true, .kept = kept, .kept_count = sizeof kept / sizeof *kept};
    cleanup_outcome struct outcome outcome = {0};
    struct arrival arrival;
    if (errand_run(run, &errand, &outcome, err) < 0) {
        return -1;
    }
    if (outcome.cut) {
        return 0;
    }
    if (outcome.exit_code != 0) {
        return fail(err, "internal", 0, "make a root for the tools, ended with %d: %.256s", outcome.exit_code, outcome_complaint(&outcome));
    }
    if (link_receive(ours, &arrival) != 1 || arrival.message.kind != MESSAGE_TOOLS || arrival.fds[0] < 0) {
        return fail(err, "internal", 0, "the process that made a root for the tools did not hand it over");
    }
    close_fd(&arrival.fds[1]);
    run->tool_root = arrival.fds[0];
    return 0;
}

int tool_root_make(struct run *run, int toolbox, struct error *err) {
    cleanup_close int ours = -1;
    cleanup_close int theirs = -1;
    cleanup_close int proc = mount_proc(run->options.command == COMMAND_HOLD, err);
    cleanup_close int dev = proc < 0 ? -1 : mount_dev(err);
    if (dev < 0 || fill_dev(dev, err) < 0 || make_mount_points(toolbox, err) < 0 || link_make(&ours, &theirs, err) < 0) {
        return -1;
    }
    struct making making = {.toolbox = toolbox, .proc = proc, .dev = dev, .link = theirs};
    return make_in_child(run, &making, ours, err);
}
