/* What is found by its record: on every cgroup of the one hierarchy that records are in, and of those in which a cgroup is frozen. */
#include "sweep/sums.h"

#include "base/cleanup.h"
#include "base/files.h"
#include "base/format.h"
#include "base/sys.h"
#include "errand.h"
#include "path/sight.h"
#include "undo/directory.h"
#include "undo/freeze.h"
#include "undo/record.h"
#include "undo/setting.h"
#include "undo/stopped.h"
#include "undo/undo-words.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>

enum { DEPTH_MAX = 64, NAMES_MAX_BYTES = 65536, ENTERED_MAX = 16, DIRECTORY_LIMIT_MS = 60000, CGROUP_PATH_BYTES = 4096 };
/** Exit code of who has looked for it. */
enum { REMOVED = 0, LEFT = 1, NOT_THERE = 2 };

/** The walk, and the cgroup that it has come to. */
struct walk {
    struct run *run;
    const char **state;
    struct sums *sums;
    const struct hierarchy *hierarchy;
    char path[CGROUP_PATH_BYTES]; /**< from the hierarchy's root; of that itself empty */
};

/** The process in whose files the directory is looked for. */
struct inside {
    const struct undo *undo;
    int mnt, root;
};

static int say(const char *what, int number) {
    char text[256];
    const char *why = number == 0 ? "" : number == ENOSYS ? "openat2 (Linux 5.6) is missing" : strerror(number);
    format_text(text, sizeof text, "%s%s%s", what, number == 0 ? "" : ": ", why);
    ssize_t written = write(2, text, strlen(text));
    return written < 0 ? EXIT_OWN_FAILURE : LEFT;
}

/** One that had not been made when its record was written is known by its name only, and goes only when it is empty. */
static int remove_it(struct undo *undo, struct last_steps *owner) {
    struct stat st;
    undo->directory = directory_open(undo->at, undo->name);
    if (undo->directory < 0) {
        return undo->directory;
    }
    if (undo->inode == 0) {
        close_fd(&undo->directory);
        return directory_remove(undo);
    }
    if (fstat(undo->directory, &st) < 0) {
        return -errno;
    }
    owner->uid[1] = st.st_uid;
    owner->gid[1] = st.st_gid;
    undo->owner = owner;
    return st.st_ino != undo->inode ? -ESTALE : directory_remove(undo);
}

/** In a child: goes in and removes it. */
static int work(const void *argument) {
    const struct inside *inside = argument;
    struct undo undo = *inside->undo;
    struct last_steps owner = {.size = sizeof owner};
    if (sys2(__NR_setns, inside->mnt, CLONE_NEWNS) < 0 || fchdir(inside->root) < 0 || chroot(".") < 0) {
        return say("enter the files of a process of the target", errno);
    }
    undo.at = (int)open_in_root(AT_FDCWD, undo.path);
    if (undo.at < 0) {
        return say("open what it is in", -undo.at);
    }
    int result = remove_it(&undo, &owner);
    return result == -ENOENT ? NOT_THERE : result == -ESTALE ? say("something else is in its place", 0) : result < 0 ? say("remove it", -result) : REMOVED;
}

/** Whether the process is in this cgroup still; read through its directory of /proc, it is nobody else's answer. */
static bool is_in(const struct walk *walk, int proc) {
    cleanup_free char *text = NULL;
    struct span path;
    return hierarchy_place(walk->hierarchy, proc, &text, &path) && span_equal(path, walk->path[0] == '\0' ? "/" : walk->path);
}

/** Opens what is needed of a process of this cgroup; false when it has ended, or may not be looked into. */
static bool open_inside(const struct walk *walk, struct span pid, struct inside *inside) {
    char path[32];
    format_text(path, sizeof path, "/proc/%.*s", (int)pid.length, pid.at);
    cleanup_close int proc = pid.length > 10 ? -1 : open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (proc < 0) {
        return false;
    }
    inside->mnt = openat(proc, "ns/mnt", O_RDONLY | O_CLOEXEC);
    inside->root = openat(proc, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
    return inside->mnt >= 0 && inside->root >= 0 && is_in(walk, proc);
}

static void close_inside(struct inside *inside) {
    close_fd(&inside->mnt);
    close_fd(&inside->root);
}

/** REMOVED or NOT_THERE; else it is warned why. */
static int remove_inside(struct walk *walk, const struct inside *inside) {
    const int kept[] = {inside->mnt, inside->root};
    const struct errand errand = {.work = work, .argument = inside, .limit_ms = DIRECTORY_LIMIT_MS, .leash = -1, .may_hang = true, .kept = kept, .kept_count = 2};
    cleanup_outcome struct outcome outcome = {0};
    struct error err = {0};
    char what[UNDO_TEXT_BYTES];
    int result = errand_run(walk->run, &errand, &outcome, &err);
    if (result == 0 && (outcome.exit_code == REMOVED || outcome.exit_code == NOT_THERE)) {
        return outcome.exit_code;
    }
    undo_describe(inside->undo, what, sizeof what);
    event_warn(&walk->run->events, "left", "the %s is left: %.256s", what,
               result < 0 ? err.text : outcome.exit_code == ERRAND_TIMED_OUT ? "its file system does not answer in time" : outcome_complaint(&outcome));
    return LEFT;
}

/** It is looked for where the target has it: in the files of the processes in its cgroup. One of them may have a root of its own, so that it is gone only where nobody sees it. */
static bool remove_directory(struct walk *walk, int cgroup, const struct undo *undo) {
    cleanup_free char *text = NULL;
    struct span rest;
    struct span line;
    bool removed = false;
    int tried = 0;
    int blind = 0;
    if (read_whole_at(cgroup, "cgroup.procs", &text, &rest) < 0) {
        return false;
    }
    while (!removed && tried < ENTERED_MAX && walk->run->reason == REASON_NONE && span_cut(&rest, '\n', &line)) {
        struct inside inside = {undo, -1, -1};
        if (open_inside(walk, line, &inside)) {
            int answer = remove_inside(walk, &inside);
            tried++;
            removed = answer == REMOVED;
            blind += answer == NOT_THERE;
        }
        close_inside(&inside);
    }
    if (tried == 0) {
        event_warn(&walk->run->events, "left", "the directory `%.240s/%s` is left: no process of the cgroup `%.240s` is there, in whose files it could be found", undo->path, undo->name, walk->path);
    }
    return removed || (tried > 0 && blind == tried && walk->run->reason == REASON_NONE);
}

static bool restore_setting(struct walk *walk, const struct undo *undo) {
    char value[UNDO_VALUE_BYTES];
    bool restored = setting_restore(undo) == 0 && setting_present(undo) == 0;
    if (restored && setting_read(undo, value) == 0 && !setting_holds(value, undo->value)) {
        event_warn(&walk->run->events, "setting", "`%s` of the cgroup `%.256s` says `%s` of device %s, which was `%s` before the fault: somebody else has written it meanwhile, and it is left so", undo->name,
                   walk->path, value, undo->device, undo->value);
    }
    return restored;
}

static bool take_back(struct walk *walk, int cgroup, struct undo *undo) {
    *walk->state = "unknown: a part of what was found has been removed";
    undo->cgroup = cgroup;
    undo->cgroup_version = walk->hierarchy->version;
    switch (undo->kind) {
    case UNDO_SETTING:
        return restore_setting(walk, undo);
    case UNDO_FREEZE:
        return freeze_restore(undo) == 0 && freeze_present(undo) == 0;
    case UNDO_STOPPED:
        return stopped_continue(undo) == 0;
    default:
        return remove_directory(walk, cgroup, undo);
    }
}

static void report(struct walk *walk, const struct undo *undo, bool in_use, bool removed) {
    struct json line = {0};
    char name[UNDO_TEXT_BYTES + 4096];
    residue_begin(&line, 0, undo->kind == UNDO_STOPPED ? undo->pid : 0, walk->path);
    if (undo->kind == UNDO_FREEZE || undo->kind == UNDO_STOPPED) {
        json_string(&line, "what", undo->kind == UNDO_FREEZE ? "freeze" : "stopped");
        json_string(&line, "name", undo->kind == UNDO_FREEZE ? undo->name : "process");
    } else if (undo->kind == UNDO_SETTING) {
        json_string(&line, "what", "setting");
        json_string(&line, "name", undo->name);
        json_string(&line, "device", undo->device);
    } else {
        format_text(name, sizeof name, "%s/%s", strcmp(undo->path, "/") == 0 ? "" : undo->path, undo->name);
        json_string(&line, "what", "directory");
        json_string(&line, "name", name);
    }
    residue_end(walk->run, &line, in_use, removed);
    sums_add(walk->sums, in_use, removed);
}

static void unreadable(struct walk *walk, const char *name) {
    event_warn(&walk->run->events, "unseen", "the record `%.128s` on the cgroup `%.256s` says nothing that can be understood", name, walk->path);
    sums_add_unseen(walk->sums, 0, 0);
}

/** How it stands with all that a record tells of. */
enum told { TOLD_NOTHING, TOLD_OF_REMAINS, TOLD_OF_WHAT_IS_GONE };

/** Line by line; `text` is decoded in place. */
static enum told look_at_lines(struct walk *walk, int cgroup, char *text, size_t length, bool in_use) {
    struct span rest = {text, length};
    struct span line;
    enum told told = length == 0 ? TOLD_NOTHING : TOLD_OF_WHAT_IS_GONE;
    while (told != TOLD_NOTHING && span_cut(&rest, '\n', &line)) {
        struct undo undo;
        char *words = text + (line.at - text);
        words[line.length] = '\0';
        if (!record_read(words, line.length, &undo)) {
            return TOLD_NOTHING;
        }
        bool removed = !in_use && walk->run->options.remove && take_back(walk, cgroup, &undo);
        report(walk, &undo, in_use, removed);
        told = removed ? told : TOLD_OF_REMAINS;
    }
    return told;
}

static void not_known(struct walk *walk, const char *name) {
    event_warn(&walk->run->events, "unseen", "the record `%.128s` on the cgroup `%.256s` is of another pid namespace: whether its experiment is at work cannot be seen from this one", name, walk->path);
    sums_add_unseen(walk->sums, 0, 0);
}

/** A record goes when all that it tells of has gone; and only that one, should another experiment have put its own there meanwhile. */
static void remove_record(int cgroup, const char *name, const char *was, size_t length) {
    char text[RECORD_MAX_BYTES];
    struct undo record = {.kind = UNDO_RECORD, .cgroup = cgroup};
    ssize_t got = fgetxattr(cgroup, name, text, sizeof text);
    if (got == (ssize_t)length && memcmp(text, was, length) == 0) {
        memcpy(record.name, name, strlen(name) + 1);
        (void)record_remove(&record);
    }
}

static void look_at_text(struct walk *walk, int cgroup, const char *name, const char *was, size_t length) {
    char text[RECORD_MAX_BYTES];
    size_t used = 0;
    enum lease_state state = record_state(was, length, &used);
    if (state == LEASE_UNKNOWN) {
        not_known(walk, name);
        return;
    }
    memcpy(text, was + used, length - used);
    text[length - used] = '\0';
    switch (look_at_lines(walk, cgroup, text, length - used, state == LEASE_HELD)) {
    case TOLD_NOTHING:
        unreadable(walk, name);
        return;
    case TOLD_OF_REMAINS:
        return;
    case TOLD_OF_WHAT_IS_GONE:
        remove_record(cgroup, name, was, length);
        return;
    }
}

static void look_at_record(struct walk *walk, int cgroup, const char *name) {
    char text[RECORD_MAX_BYTES];
    if (strlen(name) >= UNDO_NAME_BYTES) {
        unreadable(walk, name);
        return;
    }
    record_lock(walk->run, cgroup, LOCK_EX);
    ssize_t got = fgetxattr(cgroup, name, text, sizeof text - 1);
    if (got >= 0) {
        look_at_text(walk, cgroup, name, text, (size_t)got);
    } else if (errno == ERANGE) {
        unreadable(walk, name);
    }
    record_unlock(cgroup);
}

static void look_at_cgroup(struct walk *walk, int cgroup) {
    char names[NAMES_MAX_BYTES];
    ssize_t length = flistxattr(cgroup, names, sizeof names - 1);
    if (length < 0 && errno == ERANGE) {
        unreadable(walk, "(too many)");
    }
    const struct undo freeze = {.kind = UNDO_FREEZE, .name = "not ours", .cgroup = cgroup, .cgroup_version = walk->hierarchy->version};
    bool frozen = freeze_present(&freeze) == 1;
    bool ours = false;
    names[length < 0 ? 0 : length] = '\0';
    for (const char *name = names; name < names + length; name += strlen(name) + 1) {
        if (strncmp(name, record_prefix, strlen(record_prefix)) == 0) {
            ours = true;
            look_at_record(walk, cgroup, name);
        }
    }
    if (frozen && !ours) {
        report(walk, &freeze, true, false); /* Somebody else has paused it: said, and left. */
    }
}

static int walk_below(struct walk *walk, int cgroup, int depth, struct error *err);

static bool is_too_deep(const struct walk *walk, const char *name, int depth) { return depth > DEPTH_MAX || strlen(walk->path) + strlen(name) + 2 > sizeof walk->path; }

/** Whoever may make cgroups of his own may make them so; the rest of the node is looked at all the same. */
static void too_deep(struct walk *walk) {
    event_warn(&walk->run->events, "unseen", "the cgroups in `%.256s` are not looked at: they lie too deep", walk->path);
    sums_add_unseen(walk->sums, 0, 0);
}

static int walk_child(struct walk *walk, int parent, const char *name, int depth, struct error *err) {
    size_t length = strlen(walk->path);
    cleanup_close int cgroup = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (cgroup < 0) {
        return errno == ENOENT || errno == ENODEV ? 0 : fail(err, "cgroup", errno, "open the cgroup `%.128s` in `%.256s`", name, walk->path);
    }
    format_text(walk->path + length, sizeof walk->path - length, "/%s", name);
    look_at_cgroup(walk, cgroup);
    int result = walk_below(walk, cgroup, depth, err);
    walk->path[length] = '\0';
    return result;
}

static int walk_below(struct walk *walk, int cgroup, int depth, struct error *err) {
    int copy = openat(cgroup, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_dir DIR *directory = copy < 0 ? NULL : fdopendir(copy);
    if (directory == NULL) {
        return copy < 0 && (errno == ENOENT || errno == ENODEV) ? 0 : fail(err, "cgroup", errno, "look through the cgroup `%.256s`", walk->path);
    }
    int result = 0;
    for (struct dirent *entry = readdir(directory); entry != NULL && result == 0; entry = readdir(directory)) {
        if (walk->run->reason != REASON_NONE) {
            return fail(err, "internal", 0, "stopped before every cgroup was looked at");
        }
        if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            if (is_too_deep(walk, entry->d_name, depth + 1)) {
                too_deep(walk);
                return 0;
            }
            result = walk_child(walk, cgroup, entry->d_name, depth + 1, err);
        }
    }
    return result;
}

static int walk_hierarchy(struct walk *walk, const struct hierarchy *hierarchy, struct error *err) {
    walk->hierarchy = hierarchy;
    cleanup_close int root = openat(hierarchy->mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0) {
        return fail(err, "cgroup", errno, "open the root of hierarchy `%s`", hierarchy->name);
    }
    look_at_cgroup(walk, root);
    return walk_below(walk, root, 0, err);
}

int sweep_records(struct run *run, const char **state, struct sums *sums, struct error *err) {
    struct walk walk = {.run = run, .state = state, .sums = sums};
    enum { WALKS = 3 };
    const struct hierarchy *all[WALKS] = {record_hierarchy(&run->hierarchies), hierarchy_with(&run->hierarchies, "freezer"), hierarchy_v2(&run->hierarchies)};
    int result = 0;
    for (size_t i = 0; i < WALKS && result == 0; i++) {
        bool again = all[i] == NULL || (i > 0 && all[i] == all[0]) || (i > 1 && all[i] == all[1]);
        result = again ? 0 : walk_hierarchy(&walk, all[i], err);
    }
    return result;
}
