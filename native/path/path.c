/* --path: what it is, seen by a child in the target, and on which disk, worked out from what the kernel tells of mounts. */
#include "path/path.h"

#include "base/cleanup.h"
#include "base/files.h"
#include "base/format.h"
#include "enter/link.h"
#include "errand.h"
#include "path/probe.h"
#include "proc/mountinfo.h"
#include "target/disk-limits.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>

enum { LOOK_LIMIT_MS = 1000, POINTS_BYTES = 400 };

static struct span text_of(const char *text) { return (struct span){text, strlen(text)}; }

/** The mount that the path seems to be in, for people; there is no descriptor of it. */
static void describe_mount(const struct run *run, char *out, size_t size) {
    struct mount_line mount;
    char point[256];
    if (mountinfo_covering(text_of(run->path.mountinfo), run->options.path, &mount) && proc_unescape(mount.point, point, sizeof point)) {
        format_text(out, size, "%.*s on `%.200s`, mounted from `%.*s`", (int)mount.type.length, mount.type.at, point, mount.source.length < 200 ? (int)mount.source.length : 200, mount.source.at);
    } else {
        format_text(out, size, "what is mounted there");
    }
}

static int no_openat2(struct error *err) {
    struct utsname kernel;
    return fail(err, "kernel", 0, "openat2 (Linux 5.6) is missing, without which no directory of the target is opened: this is Linux %.64s, and every io fault needs 5.6", uname(&kernel) < 0 ? "?" : kernel.release);
}

static int explain(const struct run *run, const struct sight *sight, struct error *err) {
    const char *path = run->options.path;
    char text[640];
    if (sight->step == SIGHT_ENTER) {
        return fail(err, "path", sight->number, "enter the target's files to look at `%.256s`", path);
    }
    if (sight->number == ENOTCONN || sight->number == ESTALE) {
        describe_mount(run, text, sizeof text);
        return fail(err, "path", 0, "the mount of `%.200s` is dead: %.420s: %s", path, text, sight->number == ENOTCONN ? "its server is gone (ENOTCONN)" : "it is not what its server has any more (ESTALE)");
    }
    switch (sight->number) {
    case ENOENT:
        mountinfo_name_points(text_of(run->path.mountinfo), text, POINTS_BYTES);
        return fail(err, "path", 0, "there is no `%.256s` in the target; mounts it has: %s", path, text);
    case ENOTDIR:
        return fail(err, "path", 0, "`%.256s` is not a directory, or something on the way to it is none", path);
    case EACCES:
    case EPERM:
        return fail(err, "path", sight->number, "uid %u, which the workload would have, may not reach `%.256s`", run->steps->uid[1], path);
    case ELOOP:
        return fail(err, "path", 0, "`%.256s` leads through too many symlinks, or through one that the kernel makes up in /proc, which leads out of the target", path);
    case ENOSYS:
        return no_openat2(err);
    default:
        describe_mount(run, text, sizeof text);
        return fail(err, "path", sight->number, "%s `%.200s` (%.420s)", sight->step == SIGHT_OPEN ? "open" : "look at", path, text);
    }
}

static int does_not_answer(const struct run *run, const struct outcome *outcome, struct error *err) {
    char mount[512];
    describe_mount(run, mount, sizeof mount);
    if (outcome->lost == 0) {
        return fail(err, "path", 0, "`%.128s` does not answer within %d ms: %.400s", run->options.path, LOOK_LIMIT_MS, mount);
    }
    return fail(err, "path", 0, "`%.128s` does not answer within %d ms: %.400s; process %d, which asked, ends when it does", run->options.path, LOOK_LIMIT_MS, mount, (int)outcome->lost);
}

/** Sends the child. 1: it came back and says what it has seen; 0: a reason to end came first. */
static int look(struct run *run, struct error *err) {
    struct path *path = &run->path;
    cleanup_close int ours = -1;
    cleanup_close int theirs = -1;
    if (link_make(&ours, &theirs, err) < 0) {
        return -1;
    }
    const struct look there = {
        .path = run->options.path,
        .steps = run->steps,
        .entrance = entrance_of(run),
        .link = theirs,
        .with_file = run->options.probe_write_bytes > 0 || run->options.probe_read_bytes > 0,
    };
    const int kept[] = {there.entrance.mnt, there.entrance.root, there.entrance.user, theirs};
    const struct errand errand = {.work = sight_work, .argument = &there, .limit_ms = LOOK_LIMIT_MS, .leash = -1, .may_hang = true, .kept = kept, .kept_count = sizeof kept / sizeof *kept};
    cleanup_outcome struct outcome outcome = {0};
    struct arrival arrival;
    if (errand_run(run, &errand, &outcome, err) < 0) {
        return -1;
    }
    if (outcome.cut) {
        return 0;
    }
    if (outcome.exit_code == ERRAND_TIMED_OUT) {
        return does_not_answer(run, &outcome, err);
    }
    if (outcome.out_length != sizeof path->sight) {
        return fail(err, "internal", 0, "the process that looked at `%.256s` ended with %d: %.256s", run->options.path, outcome.exit_code, outcome.err);
    }
    memcpy(&path->sight, outcome.out, sizeof path->sight);
    if (path->sight.step != SIGHT_OF_ALL) {
        return explain(run, &path->sight, err);
    }
    if (link_receive(ours, &arrival) != 1 || arrival.message.kind != MESSAGE_PATH || arrival.fds[0] < 0) {
        return fail(err, "internal", 0, "the process that looked at `%.256s` did not hand it over", run->options.path);
    }
    path->directory = arrival.fds[0];
    path->file = arrival.fds[1];
    return 1;
}

/** Which mounts of PID 1 these paths are in: by going there, since a symlink may lead elsewhere, or where that fails by their names. */
static int find_on_node(struct run *run, struct span text, const char *const paths[NODE_PATHS], struct mount_line mounts[NODE_PATHS], bool known[NODE_PATHS], struct error *err) {
    const struct errand errand = {.work = node_work, .argument = paths, .limit_ms = LOOK_LIMIT_MS, .leash = -1, .may_hang = true};
    cleanup_outcome struct outcome outcome = {0};
    uint64_t ids[NODE_PATHS] = {0};
    if (errand_run(run, &errand, &outcome, err) < 0) {
        return -1;
    }
    if (outcome.out_length == sizeof ids) {
        memcpy(ids, outcome.out, sizeof ids);
    }
    for (size_t i = 0; i < NODE_PATHS; i++) {
        known[i] = paths[i] != NULL && ((ids[i] != 0 && mountinfo_find(text, ids[i], &mounts[i])) || mountinfo_covering(text, paths[i], &mounts[i]));
    }
    return 0;
}

static bool same_device(const struct mount_line *first, const struct mount_line *second) {
    return first->device.length == second->device.length && memcmp(first->device.at, second->device.at, first->device.length) == 0;
}

/** The file system in which what is written ends, and its disk. */
static int find_disk(struct run *run, struct error *err) {
    struct path *path = &run->path;
    cleanup_free char *text = NULL;
    struct span first;
    char upper[4097];
    struct mount_line mounts[NODE_PATHS];
    bool known[NODE_PATHS];
    bool layered = span_equal(path->mount.type, "overlay");
    bool has_upper = layered && mountinfo_option(path->mount.super_options, "upperdir", upper, sizeof upper) && upper[0] == '/';
    const char *const paths[NODE_PATHS] = {[NODE_ROOT] = "/", [NODE_KUBELET] = "/var/lib/kubelet", [NODE_UPPER] = has_upper ? upper : NULL};
    int result = read_whole_at(AT_FDCWD, "/proc/1/mountinfo", &text, &first);
    if (result < 0) {
        return fail(err, "permission", -result, "read `/proc/1/mountinfo`");
    }
    if (find_on_node(run, first, paths, mounts, known, err) < 0) {
        return -1;
    }
    const struct mount_line *lowest = !layered ? &path->mount : known[NODE_UPPER] ? &mounts[NODE_UPPER] : NULL;
    /* Nearly always a container's root: what is not known may be the node's. */
    path->on_node = lowest == NULL;
    path->device[0] = '\0';
    if (lowest != NULL) {
        path->on_node = (known[NODE_ROOT] && same_device(lowest, &mounts[NODE_ROOT])) || (known[NODE_KUBELET] && same_device(lowest, &mounts[NODE_KUBELET]));
        disk_device(lowest, path->device);
    }
    disk_whole(path->device, path->disk, path->disk_name);
    return 0;
}

static bool is_read_only(const struct mount_line *mount) {
    /* A file system that has met an error refuses to be written, and says so in its own words. */
    static const char *const words[] = {"ro", "emergency_ro", "shutdown"};
    bool read_only = proc_list_holds(mount->options, text_of("ro"));
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        read_only = read_only || proc_list_holds(mount->super_options, text_of(words[i]));
    }
    return read_only;
}

/** ext4 gives it to uid 0 of the node, with or without the capability, which counts in the initial user namespace alone. */
static bool may_use_reserved(const struct last_steps *steps) { return steps->uid[1] == 0 || (!steps->join_user && (steps->effective >> 24 /* CAP_SYS_RESOURCE */ & 1) != 0); }

int path_open(struct run *run, struct error *err) {
    struct path *path = &run->path;
    struct span text;
    int result = read_whole_at(run->target.proc, "mountinfo", &path->mountinfo, &text);
    if (result < 0) {
        return target_is_gone(&run->target) ? fail(err, "target-gone", 0, "process %d, the target, has ended", (int)run->target.pid) : fail(err, "path", -result, "read the target's mountinfo");
    }
    path->mountinfo[text.length] = '\0';
    int looked = look(run, err);
    if (looked <= 0) {
        return looked;
    }
    if (!mountinfo_find(text, mount_id_of(path->directory), &path->mount)) {
        return fail(err, "path", 0, "the mount of `%.256s` is not in the target's mountinfo: it has just been unmounted, or is in another mount namespace", run->options.path);
    }
    if (path->sight.removed || span_ends(path->mount.root, "//deleted")) {
        return fail(err, "path", 0, "`%.256s` is stale: the directory itself (`%.*s` on the node) has been deleted, and nothing can be made in it", run->options.path,
                    path->mount.root.length < 256 ? (int)path->mount.root.length : 256, path->mount.root.at);
    }
    path->read_only = is_read_only(&path->mount);
    path->may_use_reserved = may_use_reserved(run->steps);
    int user = entrance_of(run).user;
    path->user = user < 0 ? -1 : fcntl(user, F_DUPFD_CLOEXEC, 0);
    if (user >= 0 && path->user < 0) {
        return fail(err, "internal", errno, "keep the target's user namespace");
    }
    return find_disk(run, err) < 0 ? -1 : probe_prepare(run, err);
}

void path_close(struct path *path) {
    int *const fds[] = {&path->directory, &path->file, &path->user, &path->lost};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
        close_fd(fds[i]);
    }
    free_pointer(&path->mountinfo);
    probe_forget(path);
}

/** As the target calls it. */
static void write_unescaped(struct json *line, const char *key, struct span text) {
    char plain[4097];
    if (proc_unescape(text, plain, sizeof plain)) {
        json_string(line, key, plain);
    } else {
        json_bytes(line, key, text.at, text.length);
    }
}

void path_write(const struct run *run, struct json *line) {
    const struct path *path = &run->path;
    json_open(line, "path", '{');
    json_string(line, "path", run->options.path);
    write_unescaped(line, "mount_point", path->mount.point);
    write_unescaped(line, "root", path->mount.root);
    write_unescaped(line, "source", path->mount.source);
    json_bytes(line, "type", path->mount.type.at, path->mount.type.length);
    json_bytes(line, "options", path->mount.options.at, path->mount.options.length);
    write_unescaped(line, "super_options", path->mount.super_options);
    json_string(line, "device", path->device);
    json_string(line, "disk", path->disk);
    json_string(line, "disk_name", path->disk_name);
    json_bool(line, "on_node", path->on_node);
    json_bool(line, "read_only", path->read_only);
    json_bool(line, "writable", path->sight.writable);
    json_bool(line, "may_use_reserved", path->may_use_reserved);
    json_number(line, "owner_uid", path->sight.owner_uid);
    json_number(line, "owner_gid", path->sight.owner_gid);
    json_number(line, "mode", path->sight.mode);
    space_write(&path->sight.space, line);
    disk_limits_write(&run->hierarchies, path->disk, line);
    json_close(line, '}');
}
