#include "target/find.h"

#include "base/cleanup.h"
#include "base/files.h"
#include "base/format.h"
#include "proc/mounts.h"
#include "proc/proc.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of a node some thousands, ten deep. Whoever may make cgroups of his own may make more. */
enum { DEPTH_MAX = 64, CGROUPS_MAX = 32768 };

/** A process of the container, as found in one search. */
struct member {
    pid_t pid, parent;
    uint64_t start_ticks;
};

struct search {
    const char *id;
    int all; /**< /proc */
    struct member *members;
    size_t count, room;
    bool creating;     /**< a runtime that makes the container ready was seen */
    size_t cgroups;    /**< looked at */
    bool incomplete;   /**< some could not be */
    char prefix[512];  /**< hierarchy and path of the container's cgroup in the first member seen */
};

static void free_search(struct search *search) { free(search->members); }
#define cleanup_search __attribute__((cleanup(free_search)))

/** Whether a cgroup file names the container; `where` gets "HIERARCHY:PATH" of the first line that does. */
static bool names_container(struct span text, const char *id, char *where, size_t size) {
    struct cgroup_line line;
    struct span prefix;
    while (proc_next_cgroup(&text, &line)) {
        if (proc_path_names_container(line.path, id, &prefix)) {
            format_text(where, size, "%.*s:%.*s", (int)line.name.length, line.name.at, (int)prefix.length, prefix.at);
            return true;
        }
    }
    return false;
}

bool process_in_container(int proc, const char *id) {
    cleanup_free char *text = NULL;
    struct span span;
    char where[512];
    return read_whole_at(proc, "cgroup", &text, &span) == 0 && names_container(span, id, where, sizeof where);
}

static int add_member(struct search *search, struct member member, struct error *err) {
    if (search->count == search->room) {
        size_t room = search->room * 2 + 16;
        struct member *grown = realloc(search->members, room * sizeof *grown);
        if (grown == NULL) {
            return fail(err, "internal", ENOMEM, "remember the container's processes");
        }
        search->members = grown;
        search->room = room;
    }
    search->members[search->count++] = member;
    return 0;
}

static bool is_runtime(struct span name) { return span_equal(name, "runc") || span_equal(name, "crun") || span_equal(name, "youki"); }

/** What a runtime has executed itself as: a sealed copy, or a mount of its program alone, which is attached nowhere. */
static bool is_executed_as_runtime(const struct search *search, pid_t pid) {
    char path[32];
    char exe[256];
    struct span name = {"", 0};
    format_text(path, sizeof path, "%d/exe", (int)pid);
    ssize_t length = readlinkat(search->all, path, exe, sizeof exe);
    struct span rest = {exe, length > 0 ? (size_t)length : 0};
    if (span_equal(rest, "/") || span_starts(rest, "/memfd:runc_cloned:") || span_starts(rest, "/memfd:crun_cloned:")) {
        return true;
    }
    while (span_cut(&rest, '/', &name)) {
    }
    return is_runtime(name);
}

/**
 * Whether it is a runtime that goes on as the container's first process once all is ready: `runc:[2:INIT]`, `youki:[2:INIT]`, `crun`. They execute themselves through
 * a descriptor first, and are then called by its number before Linux 6.14. Its arguments are not looked at: who reads them waits for the process's memory.
 */
static bool makes_ready(const struct search *search, pid_t pid, struct span comm) {
    struct span rest = comm;
    struct span first = {"", 0};
    uint64_t number = 0;
    if (is_runtime(comm)) {
        return true;
    }
    if (span_number(comm, &number) || span_equal(comm, "exe")) {
        return is_executed_as_runtime(search, pid);
    }
    return span_cut(&rest, ':', &first) && is_runtime(first) && span_starts(rest, "[") && span_ends(rest, "]");
}

/** Looks at one process; one that ends meanwhile, or may not be read, is none of the container's. */
static int look_at(struct search *search, pid_t pid, struct error *err) {
    char buffer[8192];
    char path[32];
    format_text(path, sizeof path, "%d/cgroup", (int)pid);
    ssize_t got = read_file_at(search->all, path, buffer, sizeof buffer);
    /* A quick look first: of a thousand processes on a node, a few are the container's. */
    if (got <= 0 || span_find((struct span){buffer, (size_t)got}, search->id) == NULL) {
        return 0;
    }
    char where[sizeof search->prefix];
    if (!names_container((struct span){buffer, (size_t)got}, search->id, where, sizeof where)) {
        return 0;
    }
    format_text(path, sizeof path, "%d/stat", (int)pid);
    struct stat_line stat;
    got = read_file_at(search->all, path, buffer, sizeof buffer);
    if (got <= 0 || !proc_parse_stat((struct span){buffer, (size_t)got}, &stat)) {
        return 0;
    }
    /* Of one that is dying the legacy hierarchies show the root, while v2 still shows its cgroup: that is no second cgroup of the name. */
    if (stat.exiting || stat.state == 'Z' || stat.state == 'X') {
        return 0;
    }
    if (makes_ready(search, pid, stat.comm)) {
        search->creating = true;
        return 0;
    }
    /* A container that may make cgroups can call one of them after somebody else. */
    if (search->count == 0) {
        memcpy(search->prefix, where, sizeof where);
    } else if (strcmp(search->prefix, where) != 0) {
        return fail(err, "no-container", 0, "two cgroups carry the id `%s`: `%s` and `%s`", search->id, search->prefix, where);
    }
    return add_member(search, (struct member){pid, (pid_t)stat.parent, stat.start_ticks}, err);
}

/** What has been removed meanwhile has nobody in it; anything else that does not open has to be found in another way. */
static int unless_removed(struct search *search, int number) {
    search->incomplete = search->incomplete || (number != ENOENT && number != ENODEV);
    return 0;
}

static int look_at_processes(struct search *search, int cgroup, struct error *err) {
    cleanup_free char *text = NULL;
    struct span rest;
    struct span line;
    int result = read_whole_at(cgroup, "cgroup.procs", &text, &rest);
    if (result < 0) {
        /* Of a threaded cgroup, whose processes are told in the one that it is a part of. */
        return result == -EOPNOTSUPP ? 0 : unless_removed(search, -result);
    }
    result = 0;
    while (result == 0 && span_cut(&rest, '\n', &line)) {
        uint64_t pid = 0;
        /* 0: of a pid namespace that is none of ours. */
        if (span_number(line, &pid) && pid > 0 && pid <= INT32_MAX) {
            result = look_at(search, (pid_t)pid, err);
        }
    }
    return result;
}

static int walk_below(struct search *search, int cgroup, int depth, bool inside, struct error *err);

/** Goes into a cgroup; `inside`: the container's is above it. */
static int walk_into(struct search *search, int parent, const char *name, int depth, bool inside, struct error *err) {
    struct span prefix;
    struct stat st;
    if (depth > DEPTH_MAX || ++search->cgroups > CGROUPS_MAX) {
        search->incomplete = true;
        return 0;
    }
    inside = inside || proc_path_names_container((struct span){name, strlen(name)}, search->id, &prefix);
    /* Two links and one for each directory in it: most have none, and need not be opened. */
    if (!inside && fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_nlink == 2) {
        return 0;
    }
    cleanup_close int cgroup = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (cgroup < 0) {
        return unless_removed(search, errno);
    }
    if (inside && look_at_processes(search, cgroup, err) < 0) {
        return -1;
    }
    return walk_below(search, cgroup, depth, inside, err);
}

static int walk_below(struct search *search, int cgroup, int depth, bool inside, struct error *err) {
    int copy = openat(cgroup, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_dir DIR *directory = copy < 0 ? NULL : fdopendir(copy);
    if (directory == NULL) {
        return unless_removed(search, errno);
    }
    int result = 0;
    for (struct dirent *entry = readdir(directory); entry != NULL && result == 0 && search->cgroups <= CGROUPS_MAX; entry = readdir(directory)) {
        if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            result = walk_into(search, cgroup, entry->d_name, depth + 1, inside, err);
        }
    }
    return result;
}

/**
 * The root of a hierarchy in which every container has a cgroup: of v1 one without which there is no kubelet, else v2. Beside v1 it is not v2: a cgroup that somebody has made there and
 * called after a container that is not in it would be the only one.
 */
static int open_hierarchy(void) {
    static const char *const controllers[] = {"memory", "pids", "cpu"};
    struct mounts mounts = MOUNTS_NONE;
    struct error ignored = {0};
    const char *name = "";
    int root = -1;
    if (mounts_read(&mounts, &ignored) == 0) {
        for (size_t i = 0; i < sizeof controllers / sizeof *controllers && name[0] == '\0'; i++) {
            name = mounts_have_v1(&mounts, controllers[i]) ? controllers[i] : name;
        }
        root = mounts_open_root(&mounts, name, &ignored);
    }
    mounts_free(&mounts);
    return root;
}

/** By the tree of cgroups, which is as large as the node has containers, whatever runs in them. */
static int walk(struct search *search, struct error *err) {
    cleanup_close int root = open_hierarchy();
    search->incomplete = root < 0;
    return root < 0 ? 0 : walk_below(search, root, 0, false, err);
}

/** By every process: where the tree cannot be had, or does not show the container. */
static int scan(struct search *search, DIR *all, struct error *err) {
    int result = 0;
    search->count = 0;
    for (struct dirent *entry = readdir(all); entry != NULL && result == 0; entry = readdir(all)) {
        uint64_t pid = 0;
        if (span_number((struct span){entry->d_name, strlen(entry->d_name)}, &pid) && pid <= INT32_MAX) {
            result = look_at(search, (pid_t)pid, err);
        }
    }
    return result;
}

/** Shell's sort: libc's is ten times as large. */
static void sort_by_pid(struct member *members, size_t count) {
    for (size_t gap = count / 2; gap > 0; gap /= 2) {
        for (size_t i = gap; i < count; i++) {
            struct member moved = members[i];
            size_t at = i;
            for (; at >= gap && members[at - gap].pid > moved.pid; at -= gap) {
                members[at] = members[at - gap];
            }
            members[at] = moved;
        }
    }
}

static bool is_member(const struct search *search, pid_t pid) {
    size_t low = 0;
    size_t high = search->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (search->members[middle].pid == pid) {
            return true;
        }
        if (search->members[middle].pid < pid) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return false;
}

static int choose(const struct search *search, pid_t *pid, uint64_t *start_ticks, struct error *err) {
    const struct member *first = NULL;
    sort_by_pid(search->members, search->count);
    for (size_t i = 0; i < search->count; i++) {
        const struct member *member = &search->members[i];
        /* They come by their pids: of two that started in one tick, the lower one is taken. */
        if ((first == NULL || member->start_ticks < first->start_ticks) && !is_member(search, member->parent)) {
            first = member;
        }
    }
    if (first == NULL && search->creating) {
        return fail(err, "no-container", 0, "the container `%s` is still being created: there is nobody in its cgroup yet but the runtime, which makes it ready", search->id);
    }
    if (first == NULL) {
        return fail(err, "no-container", 0, "no process on this node has `%s` in its cgroup: the container has ended, is on another node, or nsexec does not see the host's processes (hostPID)", search->id);
    }
    *pid = first->pid;
    *start_ticks = first->start_ticks;
    return 0;
}

int find_container(const char *id, pid_t *pid, uint64_t *start_ticks, struct error *err) {
    cleanup_dir DIR *all = opendir("/proc");
    if (all == NULL) {
        return fail(err, "internal", errno, "open `/proc`");
    }
    cleanup_search struct search search = {.id = id, .all = dirfd(all)};
    int result = walk(&search, err);
    if (result == 0 && (search.incomplete || (search.count == 0 && !search.creating))) {
        result = scan(&search, all, err);
    }
    return result < 0 ? -1 : choose(&search, pid, start_ticks, err);
}
