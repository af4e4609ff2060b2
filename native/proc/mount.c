#include "proc/mount.h"

#include "base/cleanup.h"
#include "base/format.h"
#include "base/span.h"
#include "base/sys.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <string.h>

static int open_type(const char *type, struct error *err) {
    long fd = sys2(__NR_fsopen, type, FSOPEN_CLOEXEC);
    if (fd == -ENOSYS) {
        return fail(err, "kernel", ENOSYS, "fsopen (Linux 5.2) is missing");
    }
    if (fd == -EPERM) {
        return fail(err, "permission", EPERM, "fsopen `%s` needs CAP_SYS_ADMIN and a seccomp profile that allows it", type);
    }
    return fd < 0 ? fail(err, "kernel", (int)-fd, "fsopen `%s`", type) : (int)fd;
}

static long set_string(int fs, const char *key, const char *value) { return sys5(__NR_fsconfig, fs, FSCONFIG_SET_STRING, key, value, 0); }

static long set_flag(int fs, const char *key) { return sys5(__NR_fsconfig, fs, FSCONFIG_SET_FLAG, key, 0, 0); }

static int make(int fs, unsigned int attributes) {
    long result = sys5(__NR_fsconfig, fs, FSCONFIG_CMD_CREATE, 0, 0, 0);
    return (int)(result < 0 ? result : sys3(__NR_fsmount, fs, FSMOUNT_CLOEXEC, attributes));
}

/** "cpu,cpuacct" → flags cpu and cpuacct; "name=systemd" → none and name=systemd; both can stand together. cgroups(7) */
static long name_v1(int fs, const char *name) {
    struct span rest = {name, strlen(name)};
    struct span item;
    bool controllers = false;
    long result = 0;
    while (result == 0 && span_cut(&rest, ',', &item)) {
        char text[128];
        format_text(text, sizeof text, "%.*s", (int)item.length, item.at);
        if (span_starts(item, "name=")) {
            result = set_string(fs, "name", text + strlen("name="));
        } else {
            controllers = true;
            result = set_flag(fs, text);
        }
    }
    return result == 0 && !controllers ? set_flag(fs, "none") : result;
}

static int mount_made(const char *name, long result, struct error *err) {
    return result < 0 ? fail(err, result == -EPERM ? "permission" : "cgroup", (int)-result, "mount hierarchy `%s`", name) : (int)result;
}

enum { HIERARCHY_ATTRIBUTES = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC };

int mount_v1(const char *name, struct error *err) {
    cleanup_close int fs = open_type("cgroup", err);
    if (fs < 0) {
        return wrap(err, "mount hierarchy `%s`", name);
    }
    long result = name_v1(fs, name);
    return mount_made(name, result < 0 ? result : make(fs, HIERARCHY_ATTRIBUTES), err);
}

int mount_v2(struct span super_options, struct error *err) {
    cleanup_close int fs = open_type("cgroup2", err);
    if (fs < 0) {
        return wrap(err, "mount hierarchy `v2`");
    }
    struct span option;
    long result = 0;
    while (result == 0 && span_cut(&super_options, ',', &option)) {
        char flag[64];
        if (!span_equal(option, "rw") && !span_equal(option, "ro")) {
            format_text(flag, sizeof flag, "%.*s", (int)option.length, option.at);
            result = set_flag(fs, flag);
        }
    }
    return mount_made("v2", result < 0 ? result : make(fs, HIERARCHY_ATTRIBUTES), err);
}

int mount_scratch(uint64_t bytes, uint32_t uid, uint32_t gid, struct error *err) {
    cleanup_close int fs = open_type("tmpfs", err);
    if (fs < 0) {
        return -1;
    }
    char size[24];
    char user[16];
    char group[16];
    format_text(size, sizeof size, "%llu", (unsigned long long)bytes);
    format_text(user, sizeof user, "%u", uid);
    format_text(group, sizeof group, "%u", gid);
    long result = set_string(fs, "size", size);
    result = result < 0 ? result : set_string(fs, "mode", "0700");
    result = result < 0 ? result : set_string(fs, "uid", user);
    result = result < 0 ? result : set_string(fs, "gid", group);
    result = result < 0 ? result : make(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    return result < 0 ? fail(err, "internal", (int)-result, "make a scratch tmpfs of %s bytes", size) : (int)result;
}

int mount_proc(bool read_only, struct error *err) {
    cleanup_close int fs = open_type("proc", err);
    if (fs < 0) {
        return -1;
    }
    int mount = make(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | (read_only ? MOUNT_ATTR_RDONLY : 0U));
    return mount < 0 ? fail(err, "internal", -mount, "mount procfs") : mount;
}

int mount_dev(struct error *err) {
    cleanup_close int fs = open_type("tmpfs", err);
    if (fs < 0) {
        return -1;
    }
    long result = set_string(fs, "size", "64k");
    result = result < 0 ? result : set_string(fs, "mode", "0755");
    result = result < 0 ? result : make(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
    return result < 0 ? fail(err, "internal", (int)-result, "make a tmpfs for devices") : (int)result;
}

int mount_programs(uint64_t bytes, uint64_t inodes, struct error *err) {
    cleanup_close int fs = open_type("tmpfs", err);
    if (fs < 0) {
        return -1;
    }
    char size[24];
    char files[24];
    format_text(size, sizeof size, "%llu", (unsigned long long)bytes);
    format_text(files, sizeof files, "%llu", (unsigned long long)inodes);
    long result = set_string(fs, "size", size);
    result = result < 0 ? result : set_string(fs, "nr_inodes", files);
    result = result < 0 ? result : set_string(fs, "mode", "0755");
    result = result < 0 ? result : set_string(fs, "uid", "0");
    result = result < 0 ? result : set_string(fs, "gid", "0");
    result = result < 0 ? result : make(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    return result < 0 ? fail(err, "internal", (int)-result, "make a tmpfs of %s bytes for programs", size) : (int)result;
}

int mount_queues(struct error *err) {
    cleanup_close int fs = open_type("mqueue", err);
    if (fs < 0) {
        return -1;
    }
    int mount = make(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    return mount < 0 ? fail(err, "internal", -mount, "mount the message queues") : mount;
}
