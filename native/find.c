#include "find.h"

#include "cleanup.h"
#include "files.h"
#include "format.h"

#include <fcntl.h>
#include <string.h>

/** A process of the container, as found in one scan. */
struct member {
    pid_t pid, parent;
    uint64_t start_ticks;
};

struct search {
    const char *id;
    struct member *members;
    size_t count, room;
    char prefix[512]; /**< hierarchy and path of the container's cgroup in the first member seen */
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

/** Looks at one process; one that ends meanwhile, or may not be read, is none of the container's. */
static int look_at(struct search *search, int all, const char *name, struct error *err) {
    char buffer[8192];
    char path[32];
    format_text(path, sizeof path, "%.10s/cgroup", name);
    ssize_t got = read_file_at(all, path, buffer, sizeof buffer);
    /* A quick look first: of a thousand processes on a node, a few are the container's. */
    if (got <= 0 || memmem(buffer, (size_t)got, search->id, strlen(search->id)) == NULL) {
        return 0;
    }
    char where[sizeof search->prefix];
    if (!names_container((struct span){buffer, (size_t)got}, search->id, where, sizeof where)) {
        return 0;
    }
    format_text(path, sizeof path, "%.10s/stat", name);
    struct stat_line stat;
    uint64_t pid = 0;
    got = read_file_at(all, path, buffer, sizeof buffer);
    if (got <= 0 || !span_number((struct span){name, strlen(name)}, &pid) || !proc_parse_stat((struct span){buffer, (size_t)got}, &stat)) {
        return 0;
    }
    /* Of one that is dying the legacy hierarchies show the root, while v2 still shows its cgroup: that is no second cgroup of the name. */
    if (stat.exiting || stat.state == 'Z' || stat.state == 'X') {
        return 0;
    }
    /* A container that may make cgroups can call one of them after somebody else. */
    if (search->count == 0) {
        memcpy(search->prefix, where, sizeof where);
    } else if (strcmp(search->prefix, where) != 0) {
        return fail(err, "no-container", 0, "two cgroups carry the id `%s`: `%s` and `%s`", search->id, search->prefix, where);
    }
    return add_member(search, (struct member){(pid_t)pid, (pid_t)stat.parent, stat.start_ticks}, err);
}

static bool is_member(const struct search *search, pid_t pid) {
    for (size_t i = 0; i < search->count; i++) {
        if (search->members[i].pid == pid) {
            return true;
        }
    }
    return false;
}

static int choose(const struct search *search, pid_t *pid, uint64_t *start_ticks, struct error *err) {
    const struct member *first = NULL;
    for (size_t i = 0; i < search->count; i++) {
        const struct member *member = &search->members[i];
        if (!is_member(search, member->parent) && (first == NULL || member->start_ticks < first->start_ticks || (member->start_ticks == first->start_ticks && member->pid < first->pid))) {
            first = member;
        }
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
    cleanup_search struct search search = {.id = id};
    int result = 0;
    for (struct dirent *entry = readdir(all); entry != NULL && result == 0; entry = readdir(all)) {
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9') {
            result = look_at(&search, dirfd(all), entry->d_name, err);
        }
    }
    return result < 0 ? -1 : choose(&search, pid, start_ticks, err);
}
