/* Who is on this node: the network namespaces that its processes have, the guardians, and what of ours has lost its shim. */
#include "sweep/census.h"

#include "base/cleanup.h"
#include "base/files.h"
#include "base/format.h"
#include "base/seal.h"
#include "proc/proc.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/** Room for one more in a list that grows; NULL when there is no memory. */
static void *one_more(void *list, size_t *count, size_t *room, size_t size) {
    void **items = list;
    if (*count == *room) {
        size_t more = *room * 2 + 16;
        void *grown = realloc(*items, more * size);
        if (grown == NULL) {
            return NULL;
        }
        *items = grown;
        *room = more;
    }
    char *item = (char *)*items + (*count)++ * size;
    memset(item, 0, size);
    return item;
}

static int no_memory(struct error *err) { return fail(err, "internal", ENOMEM, "remember the node's processes"); }

/** Whether a process in this cgroup is where a guardian is. */
static bool is_outside(const struct hierarchies *hierarchies, const struct cgroup_line *line) {
    for (size_t i = 0; i < hierarchies->count; i++) {
        const struct hierarchy *hierarchy = &hierarchies->item[i];
        if (span_equal(line->name, hierarchy->name)) {
            /* Out of one that is mounted nowhere, nobody can move. */
            return hierarchy->outside < 0 || span_equal(line->path, hierarchy->outside_path);
        }
    }
    return true;
}

/** A target can call itself what it likes, but it cannot leave its cgroup. */
static bool is_outside_everywhere(int proc, const struct hierarchies *hierarchies) {
    cleanup_free char *text = NULL;
    struct span rest;
    struct cgroup_line line;
    size_t count = 0;
    bool outside = true;
    if (read_whole_at(proc, "cgroup", &text, &rest) < 0) {
        return false;
    }
    while (outside && proc_next_cgroup(&rest, &line)) {
        outside = is_outside(hierarchies, &line);
        count++;
    }
    return outside && count > 0;
}

static bool comm_is(int proc, const char *name) {
    char comm[64];
    ssize_t got = read_file_at(proc, "comm", comm, sizeof comm);
    return got > 1 && span_equal((struct span){comm, (size_t)got - 1}, name);
}

static bool is_guardian(int proc, const struct hierarchies *hierarchies) { return comm_is(proc, "nsexec:guardian") && is_outside_everywhere(proc, hierarchies); }

/** The longest says most: in a hierarchy that the runtime does not use everybody is in the root. */
static char *cgroup_of(int proc) {
    cleanup_free char *text = NULL;
    struct span rest;
    struct cgroup_line line;
    struct span longest = {"", 0};
    if (read_whole_at(proc, "cgroup", &text, &rest) < 0) {
        return NULL;
    }
    while (proc_next_cgroup(&rest, &line)) {
        longest = line.path.length > longest.length ? line.path : longest;
    }
    return strndup(longest.at, longest.length);
}

static uint64_t inode_at(int directory, const char *path) {
    struct stat st;
    return fstatat(directory, path, &st, 0) == 0 ? st.st_ino : 0;
}

static struct network *find_network(const struct census *census, uint64_t inode) {
    for (size_t i = 0; i < census->network_count; i++) {
        if (census->networks[i].inode == inode) {
            return &census->networks[i];
        }
    }
    return NULL;
}

/** Of guardians that are looked for once more, nothing but where they live is of interest. */
static void note_guardian(struct census *census, int proc) {
    uint64_t inode = inode_at(proc, "ns/net");
    struct network *network = find_network(census, inode);
    if (network != NULL) {
        network->in_use = true;
    } else if (inode == 0 && errno != ENOENT && errno != ESRCH) {
        census->blind = true;
    }
}

static int note_network(struct census *census, int proc, pid_t pid, bool guardian, struct error *err) {
    cleanup_close int fd = openat(proc, "ns/net", O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0) {
        /* Ended meanwhile, or a zombie: it has none any more. */
        if (errno == ENOENT || errno == ESRCH) {
            return 0;
        }
        struct unknown *unknown = one_more(&census->unknown, &census->unknown_count, &census->unknown_room, sizeof *unknown);
        if (unknown == NULL) {
            return no_memory(err);
        }
        *unknown = (struct unknown){pid, inode_at(proc, "net/dev")};
        census->blind = census->blind || guardian;
        return 0;
    }
    struct network *network = find_network(census, st.st_ino);
    if (network == NULL) {
        network = one_more(&census->networks, &census->network_count, &census->network_room, sizeof *network);
        if (network == NULL) {
            return no_memory(err);
        }
        *network = (struct network){.inode = st.st_ino, .mark = inode_at(proc, "net/dev"), .fd = steal_fd(&fd)};
    }
    network->in_use = network->in_use || guardian;
    if (network->pid == 0 && !guardian) {
        network->pid = pid;
        network->cgroup = cgroup_of(proc);
    }
    return 0;
}

/** All that the shim makes but the guardian is its own child, and in a pid namespace of its own or soon gone. */
static int note_lost(struct census *census, int all, int proc, pid_t pid, uint64_t own_pid_namespace, struct error *err) {
    char buffer[1024];
    char path[32];
    struct stat_line stat;
    uint64_t pid_namespace = seal_is_of(proc) ? inode_at(proc, "ns/pid") : 0;
    ssize_t got = pid_namespace == 0 || pid_namespace == own_pid_namespace ? -1 : read_file_at(proc, "stat", buffer, sizeof buffer);
    if (got <= 0 || !proc_parse_stat((struct span){buffer, (size_t)got}, &stat) || stat.state == 'Z' || stat.state == 'X') {
        return 0;
    }
    format_text(path, sizeof path, "%u", (unsigned int)stat.parent);
    cleanup_close int parent = openat(all, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent >= 0 && seal_is_of(parent)) {
        return 0;
    }
    struct lost *lost = one_more(&census->lost, &census->lost_count, &census->lost_room, sizeof *lost);
    if (lost == NULL) {
        return no_memory(err);
    }
    *lost = (struct lost){.process = {.pid = pid, .start_ticks = stat.start_ticks}, .cgroup = cgroup_of(proc)};
    format_text(lost->process.comm, sizeof lost->process.comm, "%.*s", (int)stat.comm.length, stat.comm.at);
    return 0;
}

/** Each by its own directory of /proc, which never comes to mean another process. */
static int each_process(struct census *census, const struct hierarchies *hierarchies, bool guardians_only, struct error *err) {
    cleanup_dir DIR *all = opendir("/proc");
    if (all == NULL) {
        return fail(err, "internal", errno, "open `/proc`");
    }
    int result = 0;
    uint64_t own_pid_namespace = inode_at(dirfd(all), "self/ns/pid");
    for (struct dirent *entry = readdir(all); entry != NULL && result == 0; entry = readdir(all)) {
        uint64_t pid = 0;
        if (!span_number((struct span){entry->d_name, strlen(entry->d_name)}, &pid)) {
            continue;
        }
        cleanup_close int proc = openat(dirfd(all), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (proc < 0 && (errno == EMFILE || errno == ENFILE)) {
            return fail(err, "internal", errno, "open `/proc/%.10s`", entry->d_name);
        }
        bool guardian = proc >= 0 && is_guardian(proc, hierarchies);
        if (proc < 0 || (guardians_only && !guardian)) {
            continue;
        }
        if (guardians_only) {
            note_guardian(census, proc);
            continue;
        }
        result = note_network(census, proc, (pid_t)pid, guardian, err);
        if (result == 0 && !guardian) {
            result = note_lost(census, dirfd(all), proc, (pid_t)pid, own_pid_namespace, err);
        }
    }
    return result;
}

int census_take(struct census *census, const struct hierarchies *hierarchies, struct error *err) { return each_process(census, hierarchies, false, err); }

int census_look_for_guardians(struct census *census, const struct hierarchies *hierarchies, struct error *err) { return each_process(census, hierarchies, true, err); }

bool census_covers(const struct census *census, const struct unknown *unknown) {
    for (size_t i = 0; unknown->mark != 0 && i < census->network_count; i++) {
        if (census->networks[i].mark == unknown->mark) {
            return true;
        }
    }
    return false;
}

void census_free(struct census *census) {
    for (size_t i = 0; i < census->network_count; i++) {
        close_fd(&census->networks[i].fd);
        free_pointer(&census->networks[i].cgroup);
    }
    for (size_t i = 0; i < census->lost_count; i++) {
        free_pointer(&census->lost[i].cgroup);
    }
    free_pointer(&census->networks);
    free_pointer(&census->unknown);
    free_pointer(&census->lost);
}
