#include "target/hierarchy.h"

#include "base/cleanup.h"
#include "base/files.h"
#include "base/sys.h"
#include "proc/mounts.h"
#include "proc/proc.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>

/* PROC_CGROUP_INIT_INO of the kernel: the inode of the first cgroup namespace, the same on every machine. */
enum { INITIAL_CGROUP_NAMESPACE = 0xEFFFFFFB };

int view_enter(struct hierarchies *hierarchies, struct error *err) {
    struct stat own;
    if (stat("/proc/self/ns/cgroup", &own) < 0) {
        if (errno != ENOENT) {
            return fail(err, "internal", errno, "look at `/proc/self/ns/cgroup`");
        }
        hierarchies->view = VIEW_HOST; /* Before Linux 4.6 there is one view only. */
        return 0;
    }
    cleanup_close int first = open("/proc/1/ns/cgroup", O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (first >= 0 && fstat(first, &st) == 0) {
        hierarchies->view = VIEW_INIT;
        if (st.st_ino != own.st_ino && setns(first, CLONE_NEWCGROUP) < 0) {
            return fail(err, "cgroup-view", errno, "join the cgroup namespace of process 1");
        }
        return 0;
    }
    hierarchies->view = own.st_ino == INITIAL_CGROUP_NAMESPACE ? VIEW_HOST : VIEW_OWN;
    return 0;
}

static int check_path(const struct hierarchies *hierarchies, const struct hierarchy *hierarchy, struct error *err) {
    struct span path = {hierarchy->path, strlen(hierarchy->path)};
    if (span_equal(path, "/..") || span_starts(path, "/../")) {
        return fail(err, "cgroup-view", 0,
                    "the target's cgroup `%s` (hierarchy `%s`) lies outside %s cgroup namespace: nsexec needs the host's (hostPID, privileged)", hierarchy->path,
                    hierarchy->name, hierarchies->view == VIEW_INIT ? "process 1's" : "its own");
    }
    if (span_ends(path, " (deleted)")) {
        return fail(err, "cgroup", 0, "the target's cgroup `%s` (hierarchy `%s`) has been removed", hierarchy->path, hierarchy->name);
    }
    return 0;
}

/** A cgroup of the hierarchy by its path from the root. -1, with errno. */
static int open_below(const struct hierarchy *hierarchy, const char *path) {
    return openat(hierarchy->mount, path[1] == '\0' ? "." : path + 1, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/** The root of a cgroup namespace other than the initial one is a cgroup like any other, and has this file; the real root has none. cgroups(7) */
static bool root_is_nested(const struct hierarchy *hierarchy) { return hierarchy->version == 2 && sys3(__NR_faccessat, hierarchy->mount, "cgroup.type", F_OK) == 0; }

/** Decides where `outside` is; `first` are the lines of PID 1's cgroup file, as seen from its own cgroup namespace. */
static int find_outside(struct hierarchy *hierarchy, struct span first, struct error *err) {
    struct cgroup_line line;
    hierarchy->outside = hierarchy->mount;
    hierarchy->outside_path = strdup("/");
    while (root_is_nested(hierarchy) && proc_next_cgroup(&first, &line)) {
        if (!span_equal(line.name, hierarchy->name) || span_equal(line.path, "/") || span_starts(line.path, "/..")) {
            continue;
        }
        free_pointer(&hierarchy->outside_path);
        hierarchy->outside_path = strndup(line.path.at, line.path.length);
        hierarchy->outside = hierarchy->outside_path == NULL ? -1 : open_below(hierarchy, hierarchy->outside_path);
        if (hierarchy->outside < 0) {
            return fail(err, "cgroup", errno, "open the cgroup of process 1, where what must outlive a container is put");
        }
        return 0;
    }
    return hierarchy->outside_path == NULL ? fail(err, "internal", ENOMEM, "remember the root of a hierarchy") : 0;
}

static int open_one(const struct hierarchies *hierarchies, const struct mounts *mounts, struct span first, struct hierarchy *hierarchy, struct error *err) {
    if (check_path(hierarchies, hierarchy, err) < 0) {
        return -1;
    }
    hierarchy->mount = mounts_open_root(mounts, hierarchy->name, err);
    if (hierarchy->mount < 0) {
        return -1;
    }
    hierarchy->directory = open_below(hierarchy, hierarchy->path);
    if (hierarchy->directory < 0) {
        return fail(err, "cgroup", errno, "open the target's cgroup `%s` of hierarchy `%s`", hierarchy->path, hierarchy->version == 2 ? "v2" : hierarchy->name);
    }
    return find_outside(hierarchy, first, err);
}

/** v1 and v2 call the same controller by different names. */
static bool has_controller(const struct hierarchy *hierarchy, struct span controller) {
    if (hierarchy->version == 1) {
        const char *other = span_equal(controller, "io") ? "blkio" : NULL;
        struct span name = {hierarchy->name, strlen(hierarchy->name)};
        return proc_list_holds(name, controller) || (other != NULL && proc_list_holds(name, (struct span){other, strlen(other)}));
    }
    if (span_equal(controller, "blkio")) {
        controller = (struct span){"io", 2};
    } else if (span_equal(controller, "cpuacct")) {
        return true; /* cpu.stat of v2 counts in every cgroup. */
    }
    char buffer[512];
    ssize_t got = hierarchy->mount < 0 ? -1 : read_file_at(hierarchy->mount, "cgroup.controllers", buffer, sizeof buffer);
    struct span rest = {buffer, got > 0 ? (size_t)got : 0};
    struct span line;
    struct span word;
    while (span_cut(&rest, '\n', &line)) {
        while (span_cut(&line, ' ', &word)) {
            if (word.length == controller.length && memcmp(word.at, controller.at, word.length) == 0) {
                return true;
            }
        }
    }
    return false;
}

static const struct hierarchy *find_with(const struct hierarchies *hierarchies, struct span controller) {
    for (int version = 1; version <= 2; version++) {
        for (size_t i = 0; i < hierarchies->count; i++) {
            const struct hierarchy *hierarchy = &hierarchies->item[i];
            if (hierarchy->version == version && has_controller(hierarchy, controller)) {
                return hierarchy;
            }
        }
    }
    return NULL;
}

const struct hierarchy *hierarchy_with(const struct hierarchies *hierarchies, const char *controller) {
    struct span wanted = {controller, strlen(controller)};
    for (size_t i = 0; i < hierarchies->count; i++) {
        const struct hierarchy *hierarchy = &hierarchies->item[i];
        if (hierarchy->version == 1 && proc_list_holds((struct span){hierarchy->name, strlen(hierarchy->name)}, wanted)) {
            return hierarchy->directory < 0 ? NULL : hierarchy;
        }
    }
    return hierarchy_v2(hierarchies);
}

const struct hierarchy *hierarchy_v2(const struct hierarchies *hierarchies) {
    for (size_t i = 0; i < hierarchies->count; i++) {
        if (hierarchies->item[i].version == 2) {
            return hierarchies->item[i].directory < 0 ? NULL : &hierarchies->item[i];
        }
    }
    return NULL;
}

static int check_need(const struct hierarchies *hierarchies, const char *need, struct error *err) {
    struct span rest = {need, strlen(need)};
    struct span item;
    while (span_cut(&rest, ',', &item)) {
        const struct hierarchy *hierarchy = item.length == 0 ? NULL : find_with(hierarchies, item);
        if (hierarchy == NULL) {
            return fail(err, "cgroup", 0, "the target is in no hierarchy with `%.*s`, which this needs", (int)item.length, item.at);
        }
        if (hierarchy->directory < 0) {
            return fail(err, "cgroup-unmounted", 0,
                        "hierarchy `%s` is in the target's /proc/PID/cgroup, but mounted nowhere on this node any more, and this needs it: mount it again or reboot the node", hierarchy->name);
        }
    }
    return 0;
}

static int add_line(struct hierarchies *hierarchies, const struct cgroup_line *line, struct error *err) {
    if (hierarchies->count == HIERARCHIES_MAX) {
        return fail(err, "cgroup", 0, "the target is in more than %d hierarchies", HIERARCHIES_MAX);
    }
    struct hierarchy *hierarchy = &hierarchies->item[hierarchies->count];
    *hierarchy = (struct hierarchy){.mount = -1, .directory = -1, .outside = -1, .version = line->name.length == 0 ? 2 : 1};
    hierarchy->name = strndup(line->name.at, line->name.length);
    hierarchy->path = strndup(line->path.at, line->path.length);
    hierarchies->count++;
    return hierarchy->name == NULL || hierarchy->path == NULL ? fail(err, "internal", ENOMEM, "remember the hierarchies") : 0;
}

static int open_all(struct hierarchies *hierarchies, const struct mounts *mounts, struct span first, struct span rest, struct error *err) {
    struct cgroup_line line;
    while (proc_next_cgroup(&rest, &line)) {
        if (add_line(hierarchies, &line, err) < 0) {
            return -1;
        }
        struct hierarchy *hierarchy = &hierarchies->item[hierarchies->count - 1];
        struct span options;
        bool mounted = hierarchy->version == 2 ? mounts_have_v2(mounts, &options) : mounts_have_v1(mounts, hierarchy->name);
        if (mounted && open_one(hierarchies, mounts, first, hierarchy, err) < 0) {
            return -1;
        }
    }
    return hierarchies->count == 0 ? fail(err, "cgroup", 0, "the target is in no cgroup") : 0;
}

int hierarchies_open(struct hierarchies *hierarchies, int proc, const char *need, struct error *err) {
    cleanup_free char *text = NULL;
    struct span lines;
    int result = read_whole_at(proc, "cgroup", &text, &lines);
    if (result < 0) {
        return fail(err, result == -ESRCH ? "target-gone" : "cgroup", -result, "read the target's cgroups");
    }
    cleanup_free char *first_text = NULL;
    struct span first;
    result = read_whole_at(AT_FDCWD, "/proc/1/cgroup", &first_text, &first);
    if (result < 0) {
        return fail(err, "cgroup-view", -result, "read `/proc/1/cgroup`");
    }
    struct mounts mounts = MOUNTS_NONE;
    result = mounts_read(&mounts, err);
    if (result == 0) {
        result = open_all(hierarchies, &mounts, first, lines, err);
    }
    mounts_free(&mounts);
    return result < 0 ? -1 : check_need(hierarchies, need, err);
}

void hierarchies_close(struct hierarchies *hierarchies) {
    for (size_t i = 0; i < hierarchies->count; i++) {
        if (hierarchies->item[i].outside != hierarchies->item[i].mount) {
            close_fd(&hierarchies->item[i].outside);
        }
        close_fd(&hierarchies->item[i].directory);
        close_fd(&hierarchies->item[i].mount);
        free_pointer(&hierarchies->item[i].outside_path);
        free_pointer(&hierarchies->item[i].name);
        free_pointer(&hierarchies->item[i].path);
    }
    hierarchies->count = 0;
}

void hierarchies_name_container(struct hierarchies *hierarchies, const char *id) {
    for (size_t i = 0; i < hierarchies->count; i++) {
        struct hierarchy *hierarchy = &hierarchies->item[i];
        struct span prefix;
        bool named = proc_path_names_container((struct span){hierarchy->path, strlen(hierarchy->path)}, id, &prefix);
        hierarchy->container = named ? prefix.length : 0;
    }
}

const char *hierarchies_mode(const struct hierarchies *hierarchies) {
    bool first = false;
    bool second = false;
    for (size_t i = 0; i < hierarchies->count; i++) {
        first = first || hierarchies->item[i].version == 1;
        second = second || hierarchies->item[i].version == 2;
    }
    return !second ? "v1" : first ? "hybrid" : "v2";
}

bool hierarchy_place(const struct hierarchy *hierarchy, int proc, char **text, struct span *path) {
    struct span rest;
    struct cgroup_line line;
    if (read_whole_at(proc, "cgroup", text, &rest) < 0) {
        return false;
    }
    while (proc_next_cgroup(&rest, &line)) {
        if (span_equal(line.name, hierarchy->name)) {
            *path = line.path;
            return true;
        }
    }
    return false;
}

int hierarchies_compare(const struct hierarchies *hierarchies, int proc, struct error *err) {
    cleanup_free char *text = NULL;
    struct span whole;
    int result = read_whole_at(proc, "cgroup", &text, &whole);
    if (result < 0) {
        return fail(err, "readback", -result, "read the workload's cgroups");
    }
    for (size_t i = 0; i < hierarchies->count; i++) {
        const struct hierarchy *hierarchy = &hierarchies->item[i];
        struct span rest = whole;
        struct cgroup_line line;
        bool found = false;
        while (!found && proc_next_cgroup(&rest, &line)) {
            found = span_equal(line.name, hierarchy->name);
        }
        if (hierarchy->directory >= 0 && (!found || !span_equal(line.path, hierarchy->path))) {
            return fail(err, "readback", 0, "the workload is in `%.*s` of hierarchy `%s`, not in the target's `%s`", found ? (int)line.path.length : 4, found ? line.path.at : "none",
                        hierarchy->version == 2 ? "v2" : hierarchy->name, hierarchy->path);
        }
    }
    return 0;
}
