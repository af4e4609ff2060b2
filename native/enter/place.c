#include "enter/place.h"

#include "base/cleanup.h"
#include "base/files.h"
#include "base/format.h"
#include "base/sys.h"
#include "proc/proc.h"
#include "target/sample.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

static int directory_of(const struct hierarchy *hierarchy, enum place place) { return place == PLACE_TARGET ? hierarchy->directory : hierarchy->outside; }

pid_t place_clone(const struct hierarchies *hierarchies, enum place place, unsigned long flags, bool *in_v2) {
    const struct hierarchy *second = hierarchy_v2(hierarchies);
    struct clone3_arguments arguments = {.flags = CLONE_INTO_CGROUP | flags, .exit_signal = SIGCHLD};
    long pid = -ENOSYS;
    *in_v2 = second != NULL; /* The child reads it. */
    if (second != NULL) {
        arguments.cgroup = (uint64_t)directory_of(second, place);
        pid = sys2(__NR_clone3, &arguments, sizeof arguments);
    }
    if (pid < 0 && pid != -EAGAIN && pid != -ENOMEM) {
        /* Too old (Linux 5.7), filtered, or refused: what refused it says so better when it is moved. */
        *in_v2 = false;
        pid = sys_fork(flags);
    }
    return (pid_t)pid;
}

/** A v2 cgroup with controllers for its children holds no processes itself: find the child that does. */
static void name_busy_child(const struct hierarchy *hierarchy, char *out, size_t size) {
    int copy = openat(hierarchy->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_dir DIR *directory = copy < 0 ? NULL : fdopendir(copy);
    out[0] = '\0';
    for (struct dirent *entry = directory == NULL ? NULL : readdir(directory); entry != NULL; entry = readdir(directory)) {
        char path[300];
        char bytes[256];
        uint64_t populated = 0;
        format_text(path, sizeof path, "%s/cgroup.events", entry->d_name);
        ssize_t got = entry->d_name[0] == '.' ? -1 : read_file_at(hierarchy->directory, path, bytes, sizeof bytes);
        if (got > 0 && proc_keyed((struct span){bytes, (size_t)got}, "populated", &populated) && populated != 0) {
            format_text(out, size, "; its processes are in the child `%.200s`", entry->d_name);
            return;
        }
    }
}

int place_refused(const struct hierarchy *hierarchy, int number, struct error *err) {
    const char *name = hierarchy->version == 2 ? "v2" : hierarchy->name;
    char child[256] = "";
    switch (number) {
    case EBUSY:
        name_busy_child(hierarchy, child, sizeof child);
        return fail(err, "cgroup-busy", number, "`%s` of hierarchy `%s` takes no processes%s", hierarchy->path, name, child);
    case EOPNOTSUPP:
        return fail(err, "cgroup", number, "`%s` of hierarchy `%s` is threaded: it takes threads, not processes", hierarchy->path, name);
    case ENOSPC:
        return fail(err, "cgroup", number, "`%s` of hierarchy `%s` has no CPUs or no memory nodes", hierarchy->path, name);
    default:
        return fail(err, number == EACCES || number == EPERM ? "permission" : "cgroup", number, "move a process into `%s` of hierarchy `%s`", hierarchy->path, name);
    }
}

/** A thread that moves itself alone spares the kernel the wait for cgroup_threadgroup_rwsem, an RCU grace period of some 15 ms; v2 has no such file that takes a process to another domain. */
static int write_self(const struct hierarchy *hierarchy, int directory) { return write_file_at(directory, hierarchy->version == 1 ? "tasks" : "cgroup.procs", "0"); }

int place_self(const struct hierarchies *hierarchies, enum place place, bool in_v2, size_t *which) {
    int refused = 0;
    for (size_t i = 0; i < hierarchies->count; i++) {
        const struct hierarchy *hierarchy = &hierarchies->item[i];
        int directory = directory_of(hierarchy, place);
        int result = directory < 0 || (hierarchy->version == 2 && in_v2) ? 0 : write_self(hierarchy, directory);
        if (result < 0 && refused == 0) {
            refused = result;
            *which = i;
        }
    }
    return refused;
}

void place_other_outside(const struct hierarchies *hierarchies, pid_t pid) {
    char text[16];
    format_text(text, sizeof text, "%d", (int)pid);
    for (size_t i = 0; i < hierarchies->count; i++) {
        if (hierarchies->item[i].outside >= 0) {
            (void)write_file_at(hierarchies->item[i].outside, "cgroup.procs", text); /* It may have ended by now. */
        }
    }
}

static bool in_namespace(struct span pid, uint64_t pid_namespace) {
    char path[48];
    struct stat st;
    format_text(path, sizeof path, "/proc/%.*s/ns/pid", (int)pid.length, pid.at);
    return stat(path, &st) == 0 && st.st_ino == pid_namespace;
}

/** Calls for every process of ours in this cgroup, with its pid terminated; returns how many there were. */
static int each_of_ours(int directory, uint64_t pid_namespace, int move_to) {
    cleanup_free char *text = NULL;
    struct span rest;
    struct span line;
    int count = 0;
    if (read_whole_at(directory, "cgroup.procs", &text, &rest) < 0) {
        return 0;
    }
    while (span_cut(&rest, '\n', &line)) {
        if (line.length < 12 && in_namespace(line, pid_namespace)) {
            count++;
            char pid[16];
            format_text(pid, sizeof pid, "%.*s", (int)line.length, line.at);
            if (move_to >= 0) {
                (void)write_file_at(move_to, "cgroup.procs", pid); /* It may have ended by now. */
            }
        }
    }
    return count;
}

int place_count(const struct hierarchies *hierarchies, uint64_t pid_namespace) {
    /* Each of ours is in all of them: the one with the longest path has the fewest others. */
    const struct hierarchy *deepest = NULL;
    for (size_t i = 0; i < hierarchies->count; i++) {
        const struct hierarchy *hierarchy = &hierarchies->item[i];
        if (hierarchy->directory >= 0 && (deepest == NULL || strlen(hierarchy->path) > strlen(deepest->path))) {
            deepest = hierarchy;
        }
    }
    return deepest == NULL ? 0 : each_of_ours(deepest->directory, pid_namespace, -1);
}

void place_thaw(const struct hierarchies *hierarchies, uint64_t pid_namespace, pid_t other) {
    const struct hierarchy *freezer = hierarchy_with(hierarchies, "freezer");
    if (freezer != NULL && freezer->version == 1 && cgroup_is_frozen(hierarchies)) {
        if (other != 0) {
            place_other_outside(hierarchies, other);
        }
        each_of_ours(freezer->directory, pid_namespace, freezer->outside);
    }
}
