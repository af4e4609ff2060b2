#include "run.h"

#include "base/cleanup.h"
#include "base/files.h"
#include "base/format.h"
#include "base/pidfd.h"
#include "base/sys.h"
#include "target/confinement.h"
#include "target/credentials.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <string.h>
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

/** Those that the shim is under itself, ours, and the target's where it has one; before Linux 5.9 it is only said that there are some. */
static int compare_filters(const struct run *run, const struct status *found, struct error *err) {
    enum { BY_FILTER = 2 };
    cleanup_free char *text = NULL;
    struct span span;
    struct status own;
    if (read_whole_at(AT_FDCWD, "/proc/self/status", &text, &span) < 0 || !proc_parse_status(span, &own)) {
        return fail(err, "internal", 0, "cannot make sense of our own `/proc/self/status`");
    }
    int64_t wanted = (run->steps->filter_count > 0 ? 2 : 1) + (own.seccomp_filters > 0 ? own.seccomp_filters : 0);
    if (found->seccomp != BY_FILTER || (found->seccomp_filters >= 0 && found->seccomp_filters != wanted)) {
        return fail(err, "readback", 0, "the workload has %lld seccomp filters (mode %u), not %lld", (long long)found->seccomp_filters, found->seccomp, (long long)wanted);
    }
    return 0;
}

static int compare_profile(const struct run *run, int proc, struct error *err) {
    struct confinement found = {0};
    confinement_read_profile(&found, proc);
    const char *wanted = (const char *)run->steps + run->steps->profile_at + strlen("changeprofile ");
    size_t length = run->steps->profile_length == 0 ? 0 : run->steps->profile_length - strlen("changeprofile ");
    if (length > 0 && (strlen(found.profile) != length || memcmp(found.profile, wanted, length) != 0)) {
        return fail(err, "readback", 0, "the workload's AppArmor profile is `%.128s`, not `%.*s`", found.profile, length < 128 ? (int)length : 128, wanted);
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
    if (!proc_parse_status(span, &status)) {
        return unreadable(run, 0, err);
    }
    if (credentials_compare(run->steps, &status, err) < 0 || compare_filters(run, &status, err) < 0) {
        return -1;
    }
    return compare_profile(run, proc, err);
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
    return !pidfd_has_ended(run->children.slot[CHILD_WORKLOAD].pidfd) ? 0 : fail(err, "readback", 0, "the workload ended while it was read back");
}
