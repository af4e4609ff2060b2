#include "base/seal.h"

#include "base/cleanup.h"
#include "base/sys.h"

#include <fcntl.h>
#include <linux/memfd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

enum { SEAL_ATTEMPTS = 20 };
enum { ALL_SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

int sealed_begin(const char *name, struct error *err) {
    /* Linux 6.3 wants it said that a memfd is to be executed; older ones do not know the flag. */
    long fd = sys2(__NR_memfd_create, name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
    if (fd == -EINVAL) {
        fd = sys2(__NR_memfd_create, name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    }
    if (fd == -ENOSYS) {
        return fail(err, "kernel", ENOSYS, "memfd_create (Linux 3.17) is missing");
    }
    if (fd == -EACCES) {
        return fail(err, "permission", EACCES, "an executable memfd is forbidden here (sysctl vm.memfd_noexec=2)");
    }
    return fd < 0 ? fail(err, "internal", (int)-fd, "memfd_create `%s`", name) : (int)fd;
}

int sealed_end(int fd, struct error *err) {
    /* The kernel refuses with EBUSY when one of the pages is held by somebody after some 150 ms of waiting (memfd_wait_for_pins): a page that is just being moved or
     * looked at by the kernel itself is, too, and is let go again. */
    for (int attempt = 0; fcntl(fd, F_ADD_SEALS, ALL_SEALS) < 0; attempt++) {
        if (errno != EBUSY || attempt == SEAL_ATTEMPTS) {
            return fail(err, "internal", errno, "seal a memfd");
        }
    }
    return 0;
}

int sealed_bytes(const char *name, const void *bytes, size_t length, struct error *err) {
    cleanup_close int fd = sealed_begin(name, err);
    if (fd < 0) {
        return -1;
    }
    const char *at = bytes;
    for (size_t done = 0; done < length;) {
        ssize_t written = write(fd, at + done, length - done);
        if (written < 0 && errno != EINTR) {
            return fail(err, "internal", errno, "fill memfd `%s`", name);
        }
        done += written > 0 ? (size_t)written : 0;
    }
    return sealed_end(fd, err) < 0 ? -1 : steal_fd(&fd);
}

int sealed_copy(const char *name, int from, struct error *err) {
    cleanup_close int fd = sealed_begin(name, err);
    if (fd < 0) {
        return -1;
    }
    off_t offset = 0;
    for (;;) {
        ssize_t sent = sendfile(fd, from, &offset, (size_t)1 << 30);
        if (sent == 0) {
            break;
        }
        if (sent < 0 && errno != EINTR) {
            return fail(err, "internal", errno, "copy `%s` into a memfd", name);
        }
    }
    return sealed_end(fd, err) < 0 ? -1 : steal_fd(&fd);
}

bool seal_is_of(int proc) {
    static const char sealed[] = "/memfd:nsexec (deleted)";
    char exe[sizeof sealed + 1];
    return readlinkat(proc, "exe", exe, sizeof exe) == (ssize_t)sizeof sealed - 1 && memcmp(exe, sealed, sizeof sealed - 1) == 0;
}

int seal_self(char **argv, struct error *err) {
    cleanup_close int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (self < 0) {
        return fail(err, "internal", errno, "open `/proc/self/exe` (is /proc mounted?)");
    }
    int seals = fcntl(self, F_GET_SEALS);
    if (seals >= 0 && (seals & ALL_SEALS) == ALL_SEALS) {
        /* Executed by descriptor, the kernel called us by its number. */
        prctl(PR_SET_NAME, "nsexec", 0, 0, 0);
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        return 0;
    }
    cleanup_close int copy = sealed_copy("nsexec", self, err);
    if (copy < 0) {
        return wrap(err, "seal nsexec");
    }
    long result = sys5(__NR_execveat, copy, "", argv, environ, AT_EMPTY_PATH);
    return fail(err, "internal", (int)-result, "execute nsexec from a sealed memfd");
}
