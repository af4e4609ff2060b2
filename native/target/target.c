#include "target/target.h"

#include "base/cleanup.h"
#include "base/files.h"
#include "base/format.h"
#include "base/pidfd.h"
#include "base/sys.h"
#include "target/find.h"

#include <fcntl.h>
#include <string.h>

static int gone(const struct target *target, struct error *err) {
    return fail(err, "target-gone", 0, "process %d, the target, has ended", (int)target->pid);
}

bool target_is_gone(const struct target *target) { return pidfd_has_ended(target->pidfd); }

static int open_process(struct target *target, struct error *err) {
    long pidfd = sys2(__NR_pidfd_open, target->pid, 0);
    if (pidfd == -ENOSYS) {
        return fail(err, "kernel", ENOSYS, "pidfd_open (Linux 5.3) is missing");
    }
    if (pidfd == -ESRCH) {
        return gone(target, err);
    }
    if (pidfd < 0) {
        return fail(err, "target-gone", (int)-pidfd, "pidfd_open %d (is it the id of a thread?)", (int)target->pid);
    }
    target->pidfd = (int)pidfd;
    char path[32];
    format_text(path, sizeof path, "/proc/%d", (int)target->pid);
    target->proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return target->proc < 0 ? gone(target, err) : 0;
}

static int read_stat(struct target *target, struct error *err) {
    char buffer[1024];
    struct stat_line stat;
    ssize_t got = read_file_at(target->proc, "stat", buffer, sizeof buffer);
    if (got < 0) {
        return gone(target, err);
    }
    if (!proc_parse_stat((struct span){buffer, (size_t)got}, &stat)) {
        return fail(err, "internal", 0, "cannot make sense of `/proc/%d/stat`", (int)target->pid);
    }
    if (stat.state == 'Z' || stat.state == 'X') {
        return gone(target, err);
    }
    target->start_ticks = stat.start_ticks;
    format_text(target->comm, sizeof target->comm, "%.*s", (int)stat.comm.length, stat.comm.at);
    return 0;
}

/** Where 0 of the target's user namespace lies in ours; the file reads as an identity for the initial namespace. */
static bool map_root(const struct target *target, const char *file, uint32_t *outside) {
    char buffer[4096];
    uint64_t id = 0;
    ssize_t got = read_file_at(target->proc, file, buffer, sizeof buffer);
    if (got < 0 || !proc_map_outside((struct span){buffer, (size_t)got}, 0, &id)) {
        return false;
    }
    *outside = (uint32_t)id;
    return true;
}

static bool read_signed(struct span text, int64_t *value) {
    struct span line;
    uint64_t number = 0;
    bool negative = span_starts(text, "-");
    text = (struct span){text.at + (negative ? 1 : 0), text.length - (negative ? 1 : 0)};
    if (!span_cut(&text, '\n', &line) || !span_number(line, &number) || number > 1000) {
        return false;
    }
    *value = negative ? -(int64_t)number : (int64_t)number;
    return true;
}

static int read_credentials(struct target *target, const struct namespaces *own, struct error *err) {
    struct span text;
    int result = read_whole_at(target->proc, "status", &target->status_text, &text);
    if (result < 0) {
        return gone(target, err);
    }
    if (!proc_parse_status(text, &target->status)) {
        return fail(err, "internal", 0, "cannot make sense of `/proc/%d/status`", (int)target->pid);
    }
    char buffer[32];
    ssize_t got = read_file_at(target->proc, "oom_score_adj", buffer, sizeof buffer);
    if (got < 0 || !read_signed((struct span){buffer, (size_t)got}, &target->oom_score_adj)) {
        return gone(target, err);
    }
    /* Read in its own namespace, uid_map would show the parent's ids and not ours. */
    if (target->namespaces.inode[NS_USER] == own->inode[NS_USER]) {
        target->root_uid = 0;
        target->root_gid = 0;
        target->has_root_ids = true;
    } else {
        target->has_root_ids = map_root(target, "uid_map", &target->root_uid) && map_root(target, "gid_map", &target->root_gid);
    }
    return 0;
}

static int read_all(struct target *target, const struct namespaces *own, struct error *err) {
    int result = namespaces_read(&target->namespaces, target->proc, true);
    if (result == 0) {
        target->root = openat(target->proc, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
        result = target->root < 0 ? -errno : 0;
    }
    if (result == -EACCES || result == -EPERM) {
        return fail(err, "permission", -result, "look into process %d (`%s`): nsexec needs CAP_SYS_PTRACE and every capability of the target", (int)target->pid, target->comm);
    }
    if (result < 0) {
        return gone(target, err);
    }
    return read_credentials(target, own, err);
}

int target_hold(struct target *target, const struct options *options, const struct namespaces *own, struct error *err) {
    uint64_t start_ticks = 0;
    target->pid = options->pid;
    if (options->container != NULL && find_container(options->container, &target->pid, &start_ticks, err) < 0) {
        return -1;
    }
    if (open_process(target, err) < 0 || read_stat(target, err) < 0) {
        return -1;
    }
    if (options->container != NULL && (target->start_ticks != start_ticks || !process_in_container(target->proc, options->container))) {
        return fail(err, "pid-reused", 0, "process %d of container `%s` has ended and its pid is another's now", (int)target->pid, options->container);
    }
    if (read_all(target, own, err) < 0) {
        return -1;
    }
    /* The directory was opened after the pidfd and the pidfd is still alive: both are the same process, and so is all that was read. */
    return target_is_gone(target) ? gone(target, err) : 0;
}

static bool same_span(struct span first, struct span second) { return first.length == second.length && memcmp(first.at, second.at, first.length) == 0; }

static bool same_credentials(const struct status *first, const struct status *second) {
    return memcmp(first->uid, second->uid, sizeof first->uid) == 0 && memcmp(first->gid, second->gid, sizeof first->gid) == 0 && same_span(first->groups, second->groups) &&
           first->inheritable == second->inheritable && first->permitted == second->permitted && first->effective == second->effective && first->bounding == second->bounding &&
           first->ambient == second->ambient && first->no_new_privs == second->no_new_privs && first->seccomp == second->seccomp && first->seccomp_filters == second->seccomp_filters;
}

int target_check_credentials(const struct target *target, struct error *err) {
    cleanup_free char *text = NULL;
    struct span span;
    struct status now;
    if (read_whole_at(target->proc, "status", &text, &span) < 0) {
        return gone(target, err);
    }
    if (!proc_parse_status(span, &now)) {
        return fail(err, "internal", 0, "cannot make sense of `/proc/%d/status`", (int)target->pid);
    }
    if (!same_credentials(&now, &target->status)) {
        return fail(err, "credentials", 0, "the target has changed its user, its capabilities or its seccomp filters since it was looked at: it has just started, or is another program now; try again");
    }
    return 0;
}

void target_forget_entrances(struct target *target) {
    namespaces_close(&target->namespaces);
    close_fd(&target->root);
}

void target_close(struct target *target) {
    target_forget_entrances(target);
    close_fd(&target->pidfd);
    close_fd(&target->proc);
    free_pointer(&target->status_text);
}
