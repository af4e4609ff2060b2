#include "run.h"

#include "cleanup.h"
#include "credentials.h"
#include "files.h"
#include "format.h"
#include "sys.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

static int unreadable(const struct run *run, int number, struct error *err) {
    return fail(err, "readback", number, "read the workload's (process %d) state back", (int)run->children.slot[CHILD_WORKLOAD].pid);
}

/** The workload's pid namespace is nested in the target's: what must be equal is its parent. */
static int read_parent_namespace(const struct run *run, uint64_t *inode, struct error *err) {
    cleanup_close int parent = ioctl(run->tree.pid_namespace, NS_GET_PARENT);
    struct stat st;
    if (parent < 0 || fstat(parent, &st) < 0) {
        return unreadable(run, errno, err);
    }
    if (*inode != run->tree.pid_namespace_inode) {
        return fail(err, "readback", 0, "the workload's pid namespace is not the one that was made for it");
    }
    *inode = st.st_ino;
    return 0;
}

static int compare_namespaces(const struct run *run, int proc, int *entered, int *of, struct error *err) {
    struct namespaces found;
    int result = namespaces_read(&found, proc, false);
    if (result < 0) {
        return unreadable(run, -result, err);
    }
    if (read_parent_namespace(run, &found.inode[NS_PID], err) < 0) {
        return -1;
    }
    *entered = 0;
    *of = 0;
    for (int i = 0; i < NS_COUNT; i++) {
        uint64_t wanted = run->target.namespaces.inode[i];
        if (wanted == 0) {
            continue;
        }
        (*of)++;
        if (found.inode[i] != wanted) {
            return fail(err, "readback", 0, "the workload's %s namespace is %llu, not the target's %llu", namespace_kinds[i].name, (unsigned long long)found.inode[i],
                        (unsigned long long)wanted);
        }
        (*entered)++;
    }
    return 0;
}

static int compare_credentials(const struct run *run, int proc, struct error *err) {
    cleanup_free char *text = NULL;
    struct span span;
    struct status status;
    int result = read_whole_at(proc, "status", &text, &span);
    if (result < 0) {
        return unreadable(run, -result, err);
    }
    return proc_parse_status(span, &status) ? credentials_compare(run->steps, &status, err) : unreadable(run, 0, err);
}

int read_back(const struct run *run, int *entered, int *of, struct error *err) {
    char path[32];
    format_text(path, sizeof path, "/proc/%d", (int)run->children.slot[CHILD_WORKLOAD].pid);
    cleanup_close int proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (proc < 0) {
        return unreadable(run, errno, err);
    }
    if (compare_namespaces(run, proc, entered, of, err) < 0 || hierarchies_compare(&run->hierarchies, proc, err) < 0 || compare_credentials(run, proc, err) < 0) {
        return -1;
    }
    /* As with the target: the pidfd is older than the directory, and alive still, so all this was the workload's. */
    struct pollfd dead = {.fd = run->children.slot[CHILD_WORKLOAD].pidfd, .events = POLLIN};
    return poll(&dead, 1, 0) == 0 ? 0 : fail(err, "readback", 0, "the workload ended while it was read back");
}
