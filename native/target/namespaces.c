#include "target/namespaces.h"

#include "base/cleanup.h"
#include "base/format.h"
#include "base/sys.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sys/stat.h>

const struct namespace_kind namespace_kinds[NS_COUNT] = {
    {"user", CLONE_NEWUSER}, {"mnt", CLONE_NEWNS},   {"pid", CLONE_NEWPID},       {"net", CLONE_NEWNET},
    {"ipc", CLONE_NEWIPC},   {"uts", CLONE_NEWUTS}, {"cgroup", CLONE_NEWCGROUP}, {"time", CLONE_NEWTIME},
};

int namespaces_read(struct namespaces *namespaces, int proc, bool open_them) {
    *namespaces = NAMESPACES_NONE;
    for (int i = 0; i < NS_COUNT; i++) {
        char path[16];
        format_text(path, sizeof path, "ns/%s", namespace_kinds[i].name);
        struct stat st;
        int result = 0;
        if (open_them) {
            namespaces->fd[i] = openat(proc, path, O_RDONLY | O_CLOEXEC);
            result = namespaces->fd[i] < 0 ? -1 : fstat(namespaces->fd[i], &st);
        } else {
            result = fstatat(proc, path, &st, 0);
        }
        if (result == 0) {
            namespaces->inode[i] = st.st_ino;
        } else if (errno != ENOENT || fstatat(proc, path, &st, AT_SYMLINK_NOFOLLOW) == 0) {
            /* A link that is there and leads nowhere: the process has ended. One that is not there: a kernel without this kind. */
            int number = errno;
            namespaces_close(namespaces);
            return -number;
        }
    }
    return 0;
}

void namespaces_close(struct namespaces *namespaces) {
    for (int i = 0; i < NS_COUNT; i++) {
        close_fd(&namespaces->fd[i]);
    }
}
