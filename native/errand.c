#include "errand.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/descriptors.h"
#include "base/files.h"
#include "base/format.h"
#include "base/pidfd.h"
#include "base/sys.h"
#include "enter/place.h"

#include <fcntl.h>
#include <linux/memfd.h>
#include <linux/sched.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* What changes nothing may be lost too, where a file that it reads is on a file system that does not answer; but a machine out of breath is given time. */
enum { KILL_AGAIN_MS = 100, LOST_MS = 300, LOST_LATE_MS = 5000 };

/* Files and not pipes: nobody has to read while the child writes, and what it wrote is whole when it has ended. */
static int scratch_file(const char *name) { return (int)sys2(__NR_memfd_create, name, MFD_CLOEXEC); }

static int input_file(const struct errand *errand) {
    if (errand->input == NULL) {
        return open_null(O_RDONLY);
    }
    cleanup_close int fd = scratch_file("nsexec-input");
    for (size_t done = 0; fd >= 0 && done < errand->input_length;) {
        ssize_t written = write(fd, errand->input + done, errand->input_length - done);
        if (written <= 0) {
            return -1;
        }
        done += (size_t)written;
    }
    return fd < 0 || lseek(fd, 0, SEEK_SET) < 0 ? -1 : steal_fd(&fd);
}

/** A trial of what the kernel can do wants at least one link that is up; every network namespace is born with lo. */
static void raise_loopback(void) {
    cleanup_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq request = {.ifr_name = "lo"};
    if (fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0) {
        request.ifr_flags = (short)(request.ifr_flags | IFF_UP);
        ioctl(fd, SIOCSIFFLAGS, &request);
    }
}

static enum place place_of(const struct errand *errand) { return errand->in_target ? PLACE_TARGET : PLACE_OUTSIDE; }

/** Where being outside is refused it is as any other child of the agent's. */
static bool take_place(const struct run *run, const struct errand *errand, bool in_v2) {
    size_t which = 0;
    return place_self(&run->hierarchies, place_of(errand), in_v2, &which) == 0 || !errand->in_target;
}

/** The init of a pid namespace: whatever it starts ends with it, and it is reaped only after all that. The pid, 0 in the child, or -errno. */
static pid_t make_child(const struct run *run, const struct errand *errand, bool *in_v2) {
    pid_t pid = -EAGAIN;
    *in_v2 = false;
    if (errand->may_hang) {
        pid = place_clone(&run->hierarchies, place_of(errand), CLONE_NEWPID, in_v2);
    }
    /* A cgroup that has reached its pids limit takes no new process, but it takes one that moves. */
    if (pid == -EAGAIN) {
        *in_v2 = false;
        pid = (pid_t)sys_fork(CLONE_NEWPID);
    }
    return pid;
}

/** Says in the child why it goes no further. */
__attribute__((noreturn)) static void give_up(const char *text) {
    ssize_t written = write(2, text, strlen(text));
    (void)written; /* The exit code says it too. */
    sys_exit(EXIT_OWN_FAILURE);
}

__attribute__((noreturn)) static void child(const struct run *run, const struct errand *errand, bool in_v2, int parent, const int files[3]) {
    /* Ours die with us: what half an errand has left is the guardian's to undo, and nobody may go on with it meanwhile. */
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (pidfd_has_ended(parent)) {
        sys_exit(EXIT_OWN_FAILURE);
    }
    if (errand->leash >= 0) {
        fcntl(errand->leash, F_SETFD, 0);
    }
    const struct rlimit most = {ERRAND_OUTPUT_BYTES, ERRAND_OUTPUT_BYTES};
    if (!errand->may_hang) {
        prlimit(0, RLIMIT_FSIZE, &most, NULL);
    }
    sigset_t none;
    sigemptyset(&none);
    sys_ignore(SIGXFSZ);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int i = 0; i < 3; i++) {
        if (dup2(files[i], i) < 0) {
            sys_exit(EXIT_OWN_FAILURE);
        }
    }
    if (errand->may_hang) {
        if (!take_place(run, errand, in_v2)) {
            give_up("cannot enter the target's cgroup\n");
        }
        close_all_but(3, errand->kept, errand->kept_count);
        sys_exit(errand->work(errand->argument));
    }
    long result = errand->fresh ? sys1(__NR_unshare, CLONE_NEWNET) : sys2(__NR_setns, run->target.namespaces.fd[NS_NET], CLONE_NEWNET);
    if (result < 0) {
        give_up("cannot enter the network namespace\n");
    }
    if (errand->fresh) {
        raise_loopback();
    }
    sys_exit(errand->work(errand->argument));
}

/** What a child wrote, terminated. */
static char *content(int fd, size_t *length, bool *truncated) {
    struct stat st;
    *length = 0;
    if (fstat(fd, &st) < 0 || st.st_size < 0) {
        return NULL;
    }
    *truncated = *truncated || st.st_size >= ERRAND_OUTPUT_BYTES;
    char *text = malloc((size_t)st.st_size + 1);
    while (text != NULL && *length < (size_t)st.st_size) {
        ssize_t got = pread(fd, text + *length, (size_t)st.st_size - *length, (off_t)*length);
        if (got <= 0) {
            break;
        }
        *length += (size_t)got;
    }
    if (text != NULL) {
        text[*length] = '\0';
    }
    return text;
}

/** At the end of the run its own errands are done to their end; before it, a reason to end comes first, and the end of the workload is going to be one. */
static bool may_go_on(const struct run *run) {
    int status = 0;
    return run->phase == PHASE_ENDING || (run->reason == REASON_NONE && !child_ended(&run->children, CHILD_WORKLOAD, &status));
}

static int wait_for(struct run *run, pid_t pid, const struct errand *errand, struct outcome *outcome) {
    int status = 0;
    int64_t until = clock_ms() + errand->limit_ms;
    while (!child_ended(&run->children, CHILD_ERRAND, &status) && may_go_on(run) && clock_ms() < until) {
        pump(run, -1, until);
    }
    bool in_time = child_ended(&run->children, CHILD_ERRAND, &status);
    outcome->cut = !in_time && !may_go_on(run);
    bool may_be_lost = errand->may_hang || errand->leash < 0;
    int64_t lost_at = clock_ms() + (errand->may_hang ? LOST_MS : LOST_LATE_MS);
    while (!child_ended(&run->children, CHILD_ERRAND, &status)) {
        if (may_be_lost && clock_ms() >= lost_at) {
            /* It ends with the request that it waits for; until then no container has it. */
            place_other_outside(&run->hierarchies, pid);
            outcome->lost = pid;
            outcome->lost_fd = fcntl(run->children.slot[CHILD_ERRAND].pidfd, F_DUPFD_CLOEXEC, 0);
            break;
        }
        child_signal(&run->children, CHILD_ERRAND, SIGKILL);
        pump(run, -1, clock_ms() + KILL_AGAIN_MS);
    }
    if (!in_time) {
        return ERRAND_TIMED_OUT;
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int errand_run(struct run *run, const struct errand *errand, struct outcome *outcome, struct error *err) {
    cleanup_close int in = input_file(errand);
    cleanup_close int out = scratch_file("nsexec-stdout");
    cleanup_close int errors = scratch_file("nsexec-stderr");
    *outcome = (struct outcome){.lost_fd = -1};
    if (in < 0 || out < 0 || errors < 0) {
        return fail(err, "internal", errno, "make the files of an errand");
    }
    const int files[3] = {in, out, errors};
    cleanup_close int self = (int)sys2(__NR_pidfd_open, sys0(__NR_getpid), 0);
    bool in_v2 = false;
    pid_t pid = self < 0 ? (pid_t)self : make_child(run, errand, &in_v2);
    if (pid == 0) {
        child(run, errand, in_v2, self, files);
    }
    if (pid < 0) {
        return fail(err, "internal", -pid, "make a process for an errand");
    }
    int expected = children_expect(&run->children, CHILD_ERRAND, pid);
    if (expected < 0) {
        return fail(err, "internal", -expected, "hold the process of an errand");
    }
    outcome->exit_code = wait_for(run, pid, errand, outcome);
    outcome->ended_us = clock_us(CLOCK_MONOTONIC);
    outcome->out = content(out, &outcome->out_length, &outcome->truncated);
    outcome->err = content(errors, &outcome->err_length, &outcome->truncated);
    if (outcome->out == NULL || outcome->err == NULL) {
        outcome_free(outcome);
        return fail(err, "internal", ENOMEM, "keep what an errand said");
    }
    return 0;
}

void outcome_free(struct outcome *outcome) {
    if (outcome->lost != 0) {
        close_fd(&outcome->lost_fd);
    }
    free_pointer(&outcome->out);
    free_pointer(&outcome->err);
}

const char *outcome_complaint(struct outcome *outcome) {
    char *text = outcome->err_length > 0 ? outcome->err : outcome->out;
    for (char *at = text; *at != '\0'; at++) {
        if (*at == '\n') {
            *at = ' ';
        }
    }
    return text;
}
