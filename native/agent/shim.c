#include "agent/shim.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/descriptors.h"
#include "base/files.h"
#include "base/format.h"
#include "base/pidfd.h"
#include "base/sys.h"
#include "enter/link.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { PIECE_BYTES = 4096 };
/* An `answer` has at most 1 MiB of stdout and of stderr, of which JSON makes six times as much. */
enum { LONG_LINE_BYTES = 64 << 10, LINE_BYTES_MAX = 16 << 20 };

int shim_check(struct shim *shim, char **argv, bool *toolbox, struct error *err) {
    struct options options = {0};
    int result = options_parse(&options, argv, err);
    bool runs = options.command == COMMAND_RUN || options.command == COMMAND_HOLD;
    if (result == 0 && !runs) {
        result = fail(err, "usage", 0, "an agent begins `run` and `hold`, not `%.64s`", argv[1]);
    }
    /* Signals come to the agent, which also has the log. */
    if (result == 0 && (options.any_signal || strcmp(options.termination_log, TERMINATION_LOG) != 0)) {
        result = fail(err, "usage", 0, "%s is an option of the agent itself", options.any_signal ? "--any-signal" : "--termination-log");
    }
    shim->command = options.command;
    shim->grace_ms = options.grace_ms;
    *toolbox = options.toolbox;
    options_free(&options);
    return result;
}

/** Ends of pipes and of a link: those of the shim, and ours. */
struct ends {
    int in[2], out[2]; /**< as of pipe(2) */
    int ours, theirs;  /**< of the link */
};

static void close_ends(struct ends *ends) {
    int *const fds[] = {&ends->in[0], &ends->in[1], &ends->out[0], &ends->out[1], &ends->ours, &ends->theirs};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
        close_fd(fds[i]);
    }
}

static int make_ends(struct ends *ends, bool toolbox, struct error *err) {
    if (pipe2(ends->in, O_CLOEXEC) < 0 || pipe2(ends->out, O_CLOEXEC) < 0 || fcntl(ends->in[1], F_SETFL, O_NONBLOCK) < 0 || fcntl(ends->out[0], F_SETFL, O_NONBLOCK) < 0) {
        return fail(err, "internal", errno, "make the pipes of a shim");
    }
    (void)fcntl(ends->out[0], F_SETPIPE_SZ, AGENT_PIPE_BYTES); /* One that is larger is one, too. */
    return toolbox ? link_make(&ends->ours, &ends->theirs, err) : 0;
}

/** In the child: what it has of the agent's is its stdin, its stdout and the link. */
static bool take_descriptors(const struct ends *ends) {
#ifdef __SANITIZE_ADDRESS__ /* What it finds is to be seen. */
    bool placed = true;
#else
    cleanup_close int null = open_null(O_WRONLY);
    bool placed = null >= 0 && dup2(null, 2) >= 0;
#endif
    placed = placed && dup2(ends->in[0], 0) >= 0 && dup2(ends->out[1], 1) >= 0;
    close_all_but(3, &ends->theirs, 1);
    return placed;
}

__attribute__((noreturn)) static void be_shim(const char *name, const struct birth *birth, const struct ends *ends) {
    struct run run = RUN_NONE;
    setsid();
    /* To TERM it ends as at the end of its pod, and its guardian is there if it does not get to that. */
    prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
    if (pidfd_has_ended(birth->self) || !take_descriptors(ends)) {
        sys_exit(EXIT_OWN_FAILURE);
    }
    run.name = name;
    run.agent_log = birth->run->options.termination_log;
    run.toolbox_link = ends->theirs;
    /* What waits there is the agent's to say. */
    json_free(&birth->run->events.queue);
    exit(birth->life(&run, birth->argv));
}

int shim_begin(struct shim *shim, const struct birth *birth, struct error *err) {
    struct ends ends = {{-1, -1}, {-1, -1}, -1, -1};
    int pidfd = -1;
    long pid = -1;
    if (make_ends(&ends, birth->toolbox, err) == 0) {
        pid = sys5(__NR_clone, CLONE_PIDFD | SIGCHLD, 0, &pidfd, 0, 0);
        if (pid < 0) {
            (void)fail(err, "internal", (int)-pid, "make a process");
        }
    }
    if (pid == 0) {
        be_shim(shim->name, birth, &ends);
    }
    if (pid > 0) {
        shim->state = SHIM_BEGUN;
        shim->pid = (pid_t)pid;
        shim->pidfd = pidfd;
        shim->in = steal_fd(&ends.in[1]);
        shim->out = steal_fd(&ends.out[0]);
        shim->tools = steal_fd(&ends.ours);
    }
    close_ends(&ends);
    return pid > 0 ? 0 : -1;
}

bool shim_tell(struct shim *shim, const char *text, size_t length, size_t room) {
    if (shim->in < 0 || shim->to.length + length + 1 > room) {
        return false;
    }
    json_raw(&shim->to, text, length);
    json_raw(&shim->to, "\n", 1);
    shim_write(shim);
    return !shim->to.failed;
}

void shim_write(struct shim *shim) {
    size_t done = 0;
    while (shim->in >= 0 && done < shim->to.length) {
        ssize_t written = write(shim->in, shim->to.text + done, shim->to.length - done);
        if (written > 0) {
            done += (size_t)written;
        } else if (written == 0 || errno == EAGAIN) {
            break;
        } else if (errno != EINTR) {
            close_fd(&shim->in);
        }
    }
    if (shim->in < 0 || done == shim->to.length) {
        json_free(&shim->to);
    } else if (done > 0) {
        memmove(shim->to.text, shim->to.text + done, shim->to.length - done);
        shim->to.length -= done;
    }
}

/* --- lines */

/** In front of what comes: `{"target":NAME`. The event's own `{` becomes the comma behind it. A reader that comes within a line sees no other for it, since what is left of one is not JSON. */
static void put_tag(struct shim *shim) {
    json_open(&shim->line, NULL, '{');
    json_string(&shim->line, "target", shim->name);
}

static size_t tag_length(const struct shim *shim) { return strlen("{\"target\":\"\"") + strlen(shim->name); }

static bool begins(const char *text, size_t length, const char *with) { return length >= strlen(with) && memcmp(text, with, strlen(with)) == 0; }

static void note(struct shim *shim, const char *event, size_t length) {
    static const struct {
        const char *begin;
        enum shim_state state;
    } states[] = {{"{\"event\":\"resolved\"", SHIM_RESOLVED}, {"{\"event\":\"active\"", SHIM_ACTIVE}, {"{\"event\":\"ended\"", SHIM_ENDING}};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        if (begins(event, length, states[i].begin)) {
            shim->state = states[i].state;
        }
    }
    if (begins(event, length, "{\"event\":\"ended\"")) {
        last_words_take_ended(&shim->words, event, length);
    }
    if (last_words_read(&shim->words, event, length)) {
        shim->state = SHIM_ENDING;
    }
}

static void end_line(struct shim *shim, struct events *events) {
    size_t tag = tag_length(shim);
    size_t length = shim->line.length - tag;
    char *event = shim->line.text + tag;
    if (!shim->bad && !shim->line.failed && begins(event, length, "{\"event\":\"") && event[length - 1] == '}') {
        note(shim, event, length);
        *event = ',';
        event_pass_on(events, &shim->line);
    } else {
        shim->cut = shim->cut || length != 1 || *event != EVENTS_CUT;
        json_free(&shim->line);
    }
    shim->bad = false;
}

static void take(struct shim *shim, struct events *events, const char *bytes, size_t length) {
    while (length > 0) {
        const char *newline = memchr(bytes, '\n', length);
        size_t piece = newline == NULL ? length : (size_t)(newline - bytes);
        if (shim->line.length == 0) {
            put_tag(shim);
        }
        shim->bad = shim->bad || shim->line.length + piece > LINE_BYTES_MAX;
        if (!shim->bad) {
            json_raw(&shim->line, bytes, piece);
        }
        if (newline != NULL) {
            end_line(shim, events);
            piece++;
        }
        bytes += piece;
        length -= piece;
    }
}

void shim_read(struct shim *shim, struct events *events) {
    char bytes[PIECE_BYTES];
    ssize_t got = read(shim->out, bytes, sizeof bytes);
    if (got > 0) {
        take(shim, events, bytes, (size_t)got);
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        close_fd(&shim->out);
    }
}

bool shim_is_long(const struct shim *shim) { return shim->line.length > LONG_LINE_BYTES; }

void shim_signal(const struct shim *shim, int number) {
    if (!shim->ended && shim->pidfd >= 0) {
        sys4(__NR_pidfd_send_signal, shim->pidfd, number, 0, 0);
    }
}

void shim_close(struct shim *shim) {
    close_fd(&shim->pidfd);
    close_fd(&shim->in);
    close_fd(&shim->out);
    close_fd(&shim->tools);
    shim->cut = shim->cut || shim->line.length > 0;
    json_free(&shim->to);
    json_free(&shim->line);
    shim->state = SHIM_GONE;
}
