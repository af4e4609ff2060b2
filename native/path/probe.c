#include "path/probe.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/format.h"
#include "base/pidfd.h"
#include "base/sys.h"
#include "errand.h"
#include "target/disk-limits.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/uio.h>

/* Newer than the oldest kernel headers and the libc that we build with. */
#ifndef RWF_DSYNC
#define RWF_DSYNC 2
#endif

/* O_DIRECT wants memory that is aligned to a block of the disk; no disk has larger ones. */
enum { ALIGNMENT = 4096 };
/* Before `start` nobody may have to wait long, and after the revert neither. The first one also writes what is to be read. */
enum { IDLE_LIMIT_MS = 1000, PROBE_LIMIT_MS = 5000 };

static const char file_name[] = ".probe";

/** What a probe found out, in memory that it shares with us: of one that never comes back we know how far it got. */
struct measure {
    struct space space;
    bool has_space;
    int64_t write_us, read_us; /**< -1: not done */
    char problem[160];
};

struct probe {
    struct run *run;
    char *block; /**< aligned, as long as the longest block */
    int work_directory;
};

void space_write(const struct space *space, struct json *line) {
    json_number(line, "size_bytes", space->size_bytes);
    json_number(line, "free_bytes", space->free_bytes);
    json_number(line, "available_bytes", space->available_bytes);
    json_number(line, "inodes", space->inodes);
    json_number(line, "inodes_free", space->inodes_free);
    json_number(line, "inodes_available", space->inodes_available);
}

static int64_t larger(int64_t first, int64_t second) { return first > second ? first : second; }

/** How long the file must be for what is asked. */
static int64_t wanted_length(const struct options *options) { return larger(options->probe_write_bytes, options->probe_read_bytes); }

static size_t block_length(const struct options *options) {
    return (size_t)larger(options->probe_write_bytes > 0 ? options->probe_write_block : 0, options->probe_read_bytes > 0 ? options->probe_read_block : 0);
}

int probe_prepare(struct run *run, struct error *err) {
    struct path *path = &run->path;
    size_t length = block_length(&run->options);
    /* Ours and there already: in the child it would be charged to the target, which may have none to spare. */
    void *memory = mmap(NULL, ALIGNMENT + length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED) {
        return fail(err, "internal", errno, "make memory for probes");
    }
    path->measure = memory;
    path->measure_bytes = ALIGNMENT + length;
    /* Zeros would be compressed away, by file systems that do so. */
    for (size_t done = 0; done < length;) {
        ssize_t got = getrandom((char *)memory + ALIGNMENT + done, length - done, 0);
        if (got <= 0) {
            return fail(err, "internal", errno, "make random bytes");
        }
        done += (size_t)got;
    }
    path->due = true;
    return 0;
}

void probe_forget(struct path *path) {
    if (path->measure != NULL) {
        munmap(path->measure, path->measure_bytes);
        path->measure = NULL;
    }
}

/* --- in the child */

static int problem(struct measure *measure, const char *what, int number) {
    format_text(measure->problem, sizeof measure->problem, "%s: %s", what, strerror(number));
    return -1;
}

/** One piece after the other. -errno, -ENODATA where the file ends too soon. */
static int transfer(int fd, struct iovec block, int64_t from, int64_t until, bool write, int flags) {
    while (from < until) {
        const struct iovec part = {block.iov_base, until - from < (int64_t)block.iov_len ? (size_t)(until - from) : block.iov_len};
        long done = sys6(write ? __NR_pwritev2 : __NR_preadv2, fd, (long)&part, 1, from, 0, flags);
        if (done == -EINTR) {
            continue;
        }
        if (done <= 0) {
            return done < 0 ? (int)done : -ENODATA;
        }
        from += done;
    }
    return 0;
}

/** Makes the file as long as is needed: what is measured is to overwrite and to read what is there. */
static int lengthen(int fd, const struct options *options, char *block) {
    struct stat st;
    if (fstat(fd, &st) < 0) {
        return -errno;
    }
    int64_t from = st.st_size - st.st_size % ALIGNMENT;
    if (from >= wanted_length(options)) {
        return 0;
    }
    int result = transfer(fd, (struct iovec){block, block_length(options)}, from, wanted_length(options), true, 0);
    return result == 0 && fdatasync(fd) < 0 ? -errno : result;
}

static int open_named(int directory) {
    const int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(directory, file_name, flags | O_DIRECT, 0600);
    return fd >= 0 || errno != EINVAL ? fd : openat(directory, file_name, flags, 0600);
}

static bool is_direct(int fd) { return (fcntl(fd, F_GETFL) & O_DIRECT) != 0; }

static int measure_write(int fd, const struct options *options, struct iovec piece, struct measure *measure) {
    int64_t before = clock_us(CLOCK_MONOTONIC);
    int result = transfer(fd, piece, 0, options->probe_write_bytes, true, RWF_DSYNC);
    if (result == -EOPNOTSUPP || result == -ENOSYS) {
        result = transfer(fd, piece, 0, options->probe_write_bytes, true, 0);
        result = result == 0 && fdatasync(fd) < 0 ? -errno : result;
    }
    if (result < 0) {
        return problem(measure, "write", -result);
    }
    measure->write_us = clock_us(CLOCK_MONOTONIC) - before;
    return 0;
}

static int measure_read(int fd, const struct options *options, struct iovec piece, struct measure *measure) {
    if (!is_direct(fd)) {
        (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    }
    int64_t before = clock_us(CLOCK_MONOTONIC);
    int result = transfer(fd, piece, 0, options->probe_read_bytes, false, 0);
    if (result < 0) {
        return problem(measure, "read", -result);
    }
    measure->read_us = clock_us(CLOCK_MONOTONIC) - before;
    return 0;
}

static int measure_file(int fd, const struct options *options, char *block, struct measure *measure) {
    int result = lengthen(fd, options, block);
    if (result < 0) {
        return problem(measure, "write what is to be overwritten and read", -result);
    }
    if (options->probe_write_bytes > 0 && measure_write(fd, options, (struct iovec){block, (size_t)options->probe_write_block}, measure) < 0) {
        return -1;
    }
    return options->probe_read_bytes > 0 ? measure_read(fd, options, (struct iovec){block, (size_t)options->probe_read_block}, measure) : 0;
}

/** Space first: it is there even if what follows is not done any more. */
static int probe_work(const void *argument) {
    const struct probe *probe = argument;
    const struct path *path = &probe->run->path;
    struct measure *measure = path->measure;
    struct message failed = {0};
    const struct entrance entrance = {.mnt = -1, .root = -1, .user = path->user};
    int kept[] = {path->directory, path->file, probe->work_directory};
    prctl(PR_SET_NAME, "nsexec:probe", 0, 0, 0);
    if (!entrance_arrange(&entrance, kept, sizeof kept / sizeof *kept) || take_credentials(probe->run->steps, &failed) < 0) {
        return problem(measure, "take on the target's credentials", failed.value != 0 ? failed.value : errno);
    }
    int result = space_of(kept[0], &measure->space);
    measure->has_space = result == 0;
    if (result < 0) {
        return problem(measure, "statfs", -result);
    }
    if (wanted_length(&probe->run->options) == 0 || (kept[1] < 0 && kept[2] < 0)) {
        return 0;
    }
    int fd = kept[1] >= 0 ? kept[1] : open_named(kept[2]);
    return fd < 0 ? problem(measure, "open a file of its own", errno) : measure_file(fd, &probe->run->options, probe->block, measure);
}

int path_make_file(const struct run *run, int directory) {
    cleanup_close int fd = run->path.file >= 0 || wanted_length(&run->options) == 0 ? -1 : open_named(directory);
    if (run->path.file >= 0 || wanted_length(&run->options) == 0) {
        return 0;
    }
    return fd < 0 ? -errno : lengthen(fd, &run->options, (char *)run->path.measure + ALIGNMENT);
}

/* --- in the shim */

static void report(struct run *run, const struct measure *measure) {
    struct json line = {0};
    struct disk_counts counts;
    event_begin(&line, "path");
    space_write(&run->path.sight.space, &line);
    if (measure->write_us >= 0) {
        json_number(&line, "write_us", measure->write_us);
    }
    if (measure->read_us >= 0) {
        json_number(&line, "read_us", measure->read_us);
    }
    if (measure->problem[0] != '\0') {
        json_string(&line, "problem", measure->problem);
    }
    if (disk_count(run->path.disk, &counts)) {
        json_number(&line, "disk_read_bytes", counts.read_bytes);
        json_number(&line, "disk_write_bytes", counts.write_bytes);
        json_number(&line, "disk_read_ops", counts.read_ops);
        json_number(&line, "disk_write_ops", counts.write_ops);
    }
    disk_limits_write(&run->hierarchies, run->path.disk, &line);
    json_number(&line, "elapsed_us", clock_us(CLOCK_MONOTONIC));
    event_emit(&run->events, &line, WEIGHT_SAMPLE);
}

/** Whether one has not come back yet: another would wait behind it for the same. */
static bool still_lost(struct path *path) {
    if (pidfd_has_ended(path->lost)) {
        close_fd(&path->lost);
    }
    return path->lost >= 0;
}

/** Keeps an eye on one that is left to the kernel. */
static void remember_lost(struct run *run, pid_t pid, int pidfd) {
    close_fd(&run->path.lost);
    run->path.lost = pidfd;
    event_warn(&run->events, "path", "process %d, which measures `%.256s`, hangs in a request to the file system, and not even KILL ends it; it ends when that is answered", (int)pid, run->options.path);
}

/** False when the end of the run cut it short: then it says nothing. */
static bool send_probe(struct run *run, int limit_ms, struct measure *result) {
    struct path *path = &run->path;
    const struct probe probe = {.run = run, .block = (char *)path->measure + ALIGNMENT, .work_directory = run->phase == PHASE_ENDING ? -1 : run->work_directory};
    const int kept[] = {path->directory, path->file, path->user, probe.work_directory};
    const struct errand errand = {
        .work = probe_work,
        .argument = &probe,
        .limit_ms = limit_ms,
        .leash = -1,
        .may_hang = true,
        .in_target = true,
        .kept = kept,
        .kept_count = sizeof kept / sizeof *kept,
    };
    cleanup_outcome struct outcome outcome = {0};
    struct error err = {0};
    *path->measure = (struct measure){.write_us = -1, .read_us = -1};
    int sent = errand_run(run, &errand, &outcome, &err);
    *result = *path->measure;
    result->problem[sizeof result->problem - 1] = '\0';
    if (result->problem[0] != '\0') {
        /* It has said so itself. */
    } else if (sent < 0) {
        format_text(result->problem, sizeof result->problem, "%.150s", err.text);
    } else if (outcome.exit_code == ERRAND_TIMED_OUT) {
        format_text(result->problem, sizeof result->problem, "not done within %d ms", limit_ms);
    } else if (outcome.exit_code != 0) {
        format_text(result->problem, sizeof result->problem, "the probe ended with %d: %.120s", outcome.exit_code, outcome.err);
    }
    if (outcome.lost != 0) {
        remember_lost(run, outcome.lost, steal_fd(&outcome.lost_fd));
    }
    return !outcome.cut;
}

static void probe(struct run *run, int limit_ms) {
    struct measure result = {.write_us = -1, .read_us = -1};
    if (still_lost(&run->path)) {
        format_text(result.problem, sizeof result.problem, "the file system has not answered the last probe yet");
    } else if (!send_probe(run, limit_ms, &result)) {
        return;
    }
    if (result.has_space) {
        run->path.sight.space = result.space;
    }
    report(run, &result);
}

bool path_serve(struct run *run) {
    struct path *path = &run->path;
    if (!path->due) {
        return false;
    }
    /* The first one also writes what is to be read. */
    bool idle = run->phase == PHASE_WAITING && path->probed;
    path->due = false;
    path->probed = true;
    probe(run, idle ? IDLE_LIMIT_MS : PROBE_LIMIT_MS);
    return true;
}

void path_report_last(struct run *run) {
    if (run->path.directory >= 0 && run->path.measure != NULL) {
        probe(run, IDLE_LIMIT_MS);
    }
}
