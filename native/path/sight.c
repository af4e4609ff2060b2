#include "path/sight.h"

#include "base/cleanup.h"
#include "base/files.h"
#include "base/format.h"
#include "base/sys.h"
#include "enter/link.h"
#include "proc/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

/* Newer than the oldest kernel headers we build with. */
#ifndef __NR_faccessat2
#define __NR_faccessat2 439
#endif

/* Of magic.h, and of what that lacks. */
enum { FUSE_MAGIC = 0x65735546, NFS_MAGIC = 0x6969, OPEN_TRIES = 32 };

long open_in_root(int directory, const char *path) {
    const struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
    long fd = -EAGAIN;
    /* It refuses to follow `..` while something is being moved or mounted anywhere. */
    for (int i = 0; i < OPEN_TRIES && fd == -EAGAIN; i++) {
        fd = sys4(__NR_openat2, directory, path, &how, sizeof how);
    }
    return fd;
}

/** access(2) by the effective ids. Before Linux 5.8 by the real ones, which only a program with a set-user-id bit has different. */
static bool may_write(int directory) {
    long result = sys4(__NR_faccessat2, directory, ".", W_OK | X_OK, AT_EACCESS);
    if (result == -ENOSYS) {
        result = sys3(__NR_faccessat, directory, ".", W_OK | X_OK);
    }
    return result == 0;
}

int make_nameless(int directory) {
    struct statfs facts;
    if (fstatfs(directory, &facts) < 0 || facts.f_type == FUSE_MAGIC || facts.f_type == NFS_MAGIC) {
        return -1;
    }
    const int flags = O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC;
    int fd = openat(directory, ".", flags | O_DIRECT, 0600);
    return fd >= 0 || errno != EINVAL ? fd : openat(directory, ".", flags, 0600);
}

static int look_around(int directory, struct sight *sight) {
    struct stat st;
    int result = fstat(directory, &st) < 0 ? -errno : space_of(directory, &sight->space);
    if (result < 0) {
        return result;
    }
    sight->owner_uid = st.st_uid;
    sight->owner_gid = st.st_gid;
    sight->mode = st.st_mode & 07777;
    sight->removed = st.st_nlink == 0;
    sight->writable = may_write(directory);
    return 0;
}

static int say(const struct sight *sight) { return write(1, sight, sizeof *sight) == (ssize_t)sizeof *sight ? 0 : EXIT_OWN_FAILURE; }

static int failed_at(struct sight *sight, enum sight_step step, int number) {
    sight->step = (int32_t)step;
    sight->number = number;
    return say(sight);
}

int sight_work(const void *argument) {
    const struct look *look = argument;
    struct sight sight = {.step = SIGHT_OF_ALL};
    struct message failed = {0};
    int link = look->link;
    prctl(PR_SET_NAME, "nsexec:path", 0, 0, 0);
    look->steps->use_scratch = 0; /* Of our own copy: this one has no scratch. */
    if (!entrance_arrange(&look->entrance, &link, 1)) {
        return failed_at(&sight, SIGHT_ENTER, errno);
    }
    if (take_last_steps(look->steps, &failed) < 0) {
        return failed_at(&sight, SIGHT_ENTER, failed.value);
    }
    long directory = open_in_root(AT_FDCWD, look->path);
    if (directory < 0) {
        return failed_at(&sight, SIGHT_OPEN, (int)-directory);
    }
    int result = look_around((int)directory, &sight);
    if (result < 0) {
        return failed_at(&sight, SIGHT_FACTS, -result);
    }
    int file = look->with_file ? make_nameless((int)directory) : -1;
    const int found[] = {(int)directory, file};
    const struct message message = {.kind = MESSAGE_PATH};
    result = link_send(link, &message, found, file < 0 ? 1 : 2);
    return result < 0 ? failed_at(&sight, SIGHT_FACTS, -result) : say(&sight);
}

uint64_t mount_id_of(int fd) {
    char path[48];
    char bytes[512];
    uint64_t id = 0;
    format_text(path, sizeof path, "/proc/self/fdinfo/%d", fd);
    ssize_t got = read_file_at(AT_FDCWD, path, bytes, sizeof bytes);
    return got > 0 && proc_mount_id((struct span){bytes, (size_t)got}, &id) ? id : 0;
}

int node_work(const void *argument) {
    const char *const *paths = argument;
    uint64_t ids[NODE_PATHS] = {0};
    cleanup_close int root = open("/proc/1/root", O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; root >= 0 && i < NODE_PATHS; i++) {
        long fd = paths[i] == NULL ? -1 : open_in_root(root, paths[i]);
        ids[i] = fd < 0 ? 0 : mount_id_of((int)fd);
        if (fd >= 0) {
            close((int)fd);
        }
    }
    return write(1, ids, sizeof ids) == (ssize_t)sizeof ids ? 0 : EXIT_OWN_FAILURE;
}
