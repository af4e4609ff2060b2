/* The processes of a container, by what they are called: all of that is theirs to say. */
#include "target/processes.h"

#include "base/cleanup.h"
#include "base/files.h"
#include "base/format.h"
#include "base/seal.h"
#include "base/sys.h"
#include "proc/pattern.h"

#include <fcntl.h>
#include <string.h>

enum { DEPTH_MAX = 64, PIDS_MAX = 65536, ANCESTORS_MAX = 256 };

/** Everybody in the container, as numbers. */
struct pids {
    pid_t *item;
    size_t count, room;
};

static int add_pid(struct pids *pids, struct span line) {
    uint64_t pid = 0;
    if (!span_number(line, &pid) || pid == 0 || pid > INT32_MAX || pids->count == PIDS_MAX) {
        return pids->count == PIDS_MAX ? -E2BIG : 0;
    }
    if (pids->count == pids->room) {
        pids->room = pids->room * 2 + 64;
        pid_t *grown = realloc(pids->item, pids->room * sizeof *grown);
        if (grown == NULL) {
            return -ENOMEM;
        }
        pids->item = grown;
    }
    pids->item[pids->count++] = (pid_t)pid;
    return 0;
}

/** Those of this cgroup and of all below it. Here and not in a child: the kernel tells pids as whoever reads them sees them, and that is in a pid namespace of its own. */
static int list(struct pids *pids, int cgroup, int depth) {
    cleanup_free char *text = NULL;
    struct span rest;
    struct span line;
    int result = read_whole_at(cgroup, "cgroup.procs", &text, &rest);
    while (result == 0 && span_cut(&rest, '\n', &line)) {
        result = add_pid(pids, line);
    }
    int copy = openat(cgroup, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_dir DIR *directory = copy < 0 ? NULL : fdopendir(copy);
    /* Of a threaded cgroup, whose processes are told in the one that it is a part of; or it has been removed meanwhile. */
    result = directory == NULL || result == -EOPNOTSUPP || (depth > 0 && (result == -ENOENT || result == -ENODEV)) ? 0 : result;
    for (struct dirent *entry = directory == NULL ? NULL : readdir(directory); entry != NULL && result == 0; entry = readdir(directory)) {
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.') {
            cleanup_close int below = openat(cgroup, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            result = below < 0 ? 0 : depth == DEPTH_MAX ? -E2BIG : list(pids, below, depth + 1);
        }
    }
    return result;
}

/** All of it in one piece, so that it belongs together. 0 or -errno. */
static int read_stat(int proc, char *text, size_t size, struct stat_line *line) {
    ssize_t got = read_file_at(proc, "stat", text, size);
    return got < 0 ? (int)got : proc_parse_stat((struct span){text, (size_t)got}, line) ? 0 : -EIO;
}

/** A process lives on without its first thread, whose state is all that is told then. */
static bool read_process(struct process *process, int proc) {
    char text[1024];
    struct stat_line line;
    if (read_stat(proc, text, sizeof text, &line) < 0) {
        return false;
    }
    bool ends = line.exiting || line.state == 'Z' || line.state == 'X';
    if (ends && line.threads <= 1) {
        return false;
    }
    process->state = line.state;
    if (ends) {
        process->state = PROCESS_HEADLESS;
    }
    process->start_ticks = line.start_ticks;
    process->cpu_ticks = line.cpu_ticks;
    format_text(process->comm, sizeof process->comm, "%.*s", (int)line.comm.length, line.comm.at);
    return true;
}

bool process_is_same(const struct process *one, const struct process *other) { return one->pid == other->pid && one->start_ticks == other->start_ticks; }

int process_open(pid_t pid) {
    char path[32];
    format_text(path, sizeof path, "/proc/%d", (int)pid);
    return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/** Whether the pattern means it. Its command line is looked at last: who is meant by his name alone does not wait for it. */
static bool is_meant(struct process *process, const struct scope *scope, const char *pattern) {
    char command[COMMAND_MAX_BYTES];
    cleanup_close int proc = process_open(process->pid);
    /* v1 has no cgroup any more of a first thread that has exited; that it is on the list is all there is. */
    if (proc < 0 || !read_process(process, proc) || (process->state != PROCESS_HEADLESS && !scope_holds(scope, proc))) {
        return false;
    }
    const struct span comm = {process->comm, strlen(process->comm)};
    if (pattern_fits(pattern, comm)) {
        return true;
    }
    cleanup_close int fd = openat(proc, "cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? 0 : read(fd, command, sizeof command);
    return pattern_means(pattern, comm, command, got < 0 ? 0 : (size_t)got);
}

struct search {
    const struct pids *pids;
    const struct scope *scope;
    const char *pattern;
};

static int work(const void *argument) {
    const struct search *search = argument;
    struct processes found = {.count = 0};
    for (size_t i = 0; i < search->pids->count; i++) {
        struct process *process = &found.item[found.count];
        struct process one = {.pid = search->pids->item[i]};
        if (is_meant(&one, search->scope, search->pattern)) {
            found.matched++;
            if (found.count < PROCESSES_MAX) {
                *process = one;
                found.count++;
            }
        }
    }
    return write(1, &found, sizeof found) == (ssize_t)sizeof found ? 0 : EXIT_OWN_FAILURE;
}

int processes_find(struct run *run, const struct scope *scope, const char *pattern, struct processes *found, struct error *err) {
    struct pids pids = {.count = 0};
    const struct search search = {&pids, scope, pattern};
    const struct errand errand = {.work = work, .argument = &search, .limit_ms = ERRAND_LIMIT_MS, .leash = -1, .may_hang = true};
    cleanup_outcome struct outcome outcome = {.lost_fd = -1};
    found->matched = 0;
    found->count = 0;
    int result = list(&pids, scope->cgroup, 0);
    int sent = result < 0 ? fail(err, "cgroup", -result, "list the processes of the target") : errand_run(run, &errand, &outcome, err);
    free(pids.item);
    if (sent < 0 || run->reason != REASON_NONE) {
        return sent;
    }
    if (outcome.exit_code != 0 || outcome.out_length != sizeof *found) {
        return fail(err, "processes", 0, "look at the processes of the target: %s", outcome.exit_code == ERRAND_TIMED_OUT ? "one of them does not let its command line be read" : "nothing was said of them");
    }
    memcpy(found, outcome.out, sizeof *found);
    return 0;
}

int process_look(struct process *process) {
    uint64_t start_ticks = process->start_ticks;
    cleanup_close int proc = process_open(process->pid);
    bool same = proc >= 0 && read_process(process, proc) && process->start_ticks == start_ticks;
    process->start_ticks = start_ticks;
    return same ? 0 : -ESRCH;
}

int process_hold(const struct process *process, const struct scope *scope) {
    struct process now = *process;
    /* What is read after it is of that process, or of one that is later still: never of one before. */
    cleanup_close int pidfd = (int)sys2(__NR_pidfd_open, process->pid, 0);
    cleanup_close int proc = process_open(process->pid);
    return pidfd >= 0 && proc >= 0 && scope_holds(scope, proc) && process_look(&now) == 0 ? steal_fd(&pidfd) : -ESRCH;
}

int process_hold_any(const struct process *process) {
    char text[1024];
    struct stat_line line = {.state = 0};
    cleanup_close int pidfd = (int)sys2(__NR_pidfd_open, process->pid, 0);
    if (pidfd < 0) {
        return pidfd;
    }
    cleanup_close int proc = process_open(process->pid);
    int result = proc < 0 ? -errno : read_stat(proc, text, sizeof text, &line);
    if (result < 0) {
        return result == -ENOENT ? -ESRCH : result;
    }
    return line.start_ticks == process->start_ticks ? steal_fd(&pidfd) : -ESRCH;
}

bool process_is_ours(pid_t pid, const struct scope *scope) {
    char text[1024];
    struct stat_line stat = {.parent = (uint32_t)pid};
    bool ours = false;
    for (int i = 0; !ours && i < ANCESTORS_MAX && stat.parent > 1; i++) {
        cleanup_close int proc = process_open((pid_t)stat.parent);
        if (read_stat(proc, text, sizeof text, &stat) < 0) {
            break;
        }
        ours = seal_is_of(proc) && !scope_holds(scope, proc);
    }
    return ours;
}
