/* Whether a process that a record names is still at work. */
#include "undo/lease.h"

#include "base/files.h"
#include "base/format.h"
#include "proc/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>

static uint64_t own_pid_namespace(void) {
    struct stat st;
    return stat("/proc/self/ns/pid", &st) < 0 ? 0 : st.st_ino;
}

/** In one piece: what it says belongs together, whoever has the pid a moment later. */
static int read_stat(pid_t pid, uint64_t *start_ticks, bool *ended) {
    char path[32];
    char text[1024];
    struct stat_line line;
    format_text(path, sizeof path, "/proc/%d/stat", (int)pid);
    ssize_t got = read_file_at(AT_FDCWD, path, text, sizeof text);
    if (got < 0) {
        return (int)got;
    }
    if (!proc_parse_stat((struct span){text, (size_t)got}, &line)) {
        return -EBADMSG;
    }
    *start_ticks = line.start_ticks;
    *ended = line.state == 'Z' || line.state == 'X';
    return 0;
}

int lease_of(pid_t pid, struct lease *lease) {
    bool ended = false;
    *lease = (struct lease){.pid = pid, .pid_namespace = own_pid_namespace()};
    int result = lease->pid_namespace == 0 ? -ENOENT : read_stat(pid, &lease->start_ticks, &ended);
    return result < 0 ? result : ended ? -ESRCH : 0;
}

enum lease_state lease_state(const struct lease *lease) {
    uint64_t start_ticks = 0;
    bool ended = false;
    if (lease->pid_namespace != own_pid_namespace()) {
        return LEASE_UNKNOWN;
    }
    int result = read_stat(lease->pid, &start_ticks, &ended);
    if (result < 0) {
        return result == -ENOENT || result == -ESRCH ? LEASE_OVER : LEASE_UNKNOWN;
    }
    return ended || start_ticks != lease->start_ticks ? LEASE_OVER : LEASE_HELD;
}
