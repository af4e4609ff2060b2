/* agent: what many shims have in common. README, "agent", is the contract; agent.h says who is who. */
#include "agent/agent.h"

#include "agent/shim.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/format.h"
#include "base/sys.h"
#include "base/words.h"
#include "enter/tool-root.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>

/* What may wait for the stdin of one shim, and of all of them: a line of the longest of `hold`, and more than a plugin says before it hears an answer. */
enum { SHIM_ROOM = 2 << 20, ALL_ROOM = 16 << 20 };
/*
 * Shims with the same lease end by their own, and say so. One that is to end has, besides its grace, time for what its guardian would let it have; when it has been killed, or has ended without
 * having undone everything, its guardian tries for a minute, and is waited for.
 */
enum { AFTER_LEASE_MS = 1000, ENDS_MS = 300000, GUARDIAN_ENDS_MS = 75000, KILLED_ENDS_MS = 5000 };
/* As in the pump. */
enum { STDIN_RETRY_MS = 250 };

/** What an agent has besides its shims. */
struct agent {
    struct run *run;
    struct shim shim[SHIMS_MAX];
    size_t forgotten[END_COUNT]; /**< shims whose place another has taken, by their ends */
    shim_life life;
    int self;                    /**< pidfd of ours */
    int holder;                  /**< the namespace that the toolbox is in; -1: it is not there */
    bool any;                    /**< one has been begun */
};

/* --- what it says */

static const char *state_name(enum shim_state state) {
    static const char *const names[] = {[SHIM_NONE] = "", [SHIM_BEGUN] = "begun", [SHIM_RESOLVED] = "resolved", [SHIM_ACTIVE] = "active", [SHIM_ENDING] = "ending", [SHIM_GONE] = "gone"};
    return names[state];
}

static void report_agent(struct agent *agent, enum weight weight) {
    struct utsname kernel;
    struct json line = {0};
    memset(&kernel, 0, sizeof kernel);
    uname(&kernel);
    event_begin(&line, "agent");
    json_string(&line, "version", NSEXEC_VERSION);
    json_string(&line, "kernel", kernel.release);
    json_string(&line, "arch", kernel.machine);
    json_number(&line, "lease_ms", agent->run->options.lease_ms);
    json_open(&line, "targets", '[');
    for (size_t i = 0; i < SHIMS_MAX; i++) {
        const struct shim *shim = &agent->shim[i];
        if (shim->state != SHIM_NONE) {
            json_open(&line, NULL, '{');
            json_string(&line, "name", shim->name);
            json_string(&line, "command", shim->command == COMMAND_RUN ? "run" : "hold");
            json_string(&line, "state", state_name(shim->state));
            if (shim->state == SHIM_GONE) {
                json_string(&line, "end", end_name(shim->words.end));
                last_words_put_ended(&shim->words, &line);
            }
            json_close(&line, '}');
        }
    }
    json_close(&line, ']');
    event_emit(&agent->run->events, &line, weight);
}

static void report_begun(struct agent *agent, const struct shim *shim) {
    struct json line = {0};
    event_begin(&line, "begun");
    json_string(&line, "name", shim->name);
    json_number(&line, "pid", shim->pid);
    event_emit(&agent->run->events, &line, WEIGHT_LIFE);
}

static void report_refused(struct agent *agent, const char *name, const struct error *err) {
    char message[sizeof err->text + 128];
    struct json line = {0};
    error_message(err, message, sizeof message);
    event_begin(&line, "refused");
    json_string(&line, "name", name);
    json_string(&line, "code", err->code);
    json_string(&line, "message", message);
    /* Nobody reads: and there may be no end to what is refused. */
    event_emit(&agent->run->events, &line, events_congested(&agent->run->events) ? WEIGHT_NOTICE : WEIGHT_LIFE);
}

static void report_gone(struct agent *agent, const struct shim *shim) {
    struct json line = {0};
    int signal = WIFSIGNALED(shim->status) ? WTERMSIG(shim->status) : 0;
    event_begin(&line, "gone");
    json_string(&line, "name", shim->name);
    json_number(&line, "exit_code", signal != 0 ? 128 + signal : WEXITSTATUS(shim->status));
    json_number(&line, "signal", signal);
    json_bool(&line, "forced", shim->forced);
    json_bool(&line, "cut", shim->cut);
    json_string(&line, "end", end_name(shim->words.end));
    last_words_put_ended(&shim->words, &line);
    event_emit(&agent->run->events, &line, WEIGHT_LIFE);
}

/** Those of which it is not known that nothing is left come first, then those that failed, then those that ended early, as far as there is room. */
static void write_log(const struct agent *agent, const struct json *over) {
    cleanup_json struct json log = {0};
    json_raw(&log, over->text, over->length);
    for (int pass = 0; pass < 4; pass++) {
        for (size_t i = 0; i < SHIMS_MAX; i++) {
            const struct shim *shim = &agent->shim[i];
            int of = shim->words.end == END_UNKNOWN ? 0 : shim->words.code[0] != '\0' ? 1 : last_words_are_early(&shim->words) ? 2 : 3;
            cleanup_json struct json line = {0};
            if (shim->state == SHIM_NONE || of != pass) {
                continue;
            }
            last_words_write(&shim->words, shim->name, &line);
            if (log.length + line.length <= LOG_BYTES) {
                json_raw(&log, line.text, line.length);
            }
        }
    }
    events_write_log(&agent->run->events, &log);
}

/** The last event. How many are not known to have left nothing. */
static size_t report_over(struct agent *agent) {
    static const char *const reasons[] = {[REASON_STOPPED] = "stopped", [REASON_LEASE] = "lease", [REASON_SIGNAL] = "signal", [REASON_OVER] = "over"};
    size_t count[END_COUNT];
    struct json line = {0};
    memcpy(count, agent->forgotten, sizeof count);
    for (size_t i = 0; i < SHIMS_MAX; i++) {
        if (agent->shim[i].state != SHIM_NONE) {
            count[agent->shim[i].words.end]++;
        }
    }
    event_begin(&line, "over");
    json_string(&line, "reason", reasons[agent->run->reason]);
    json_unsigned(&line, "targets", count[END_REVERTED] + count[END_UNCHANGED] + count[END_UNKNOWN]);
    for (int end = 0; end < END_COUNT; end++) {
        json_unsigned(&line, end_name((enum end)end), count[end]);
    }
    json_close(&line, '}');
    json_raw(&line, "\n", 1);
    write_log(agent, &line);
    line.length -= 2; /* As it has been begun: emitted, it is closed. */
    event_emit(&agent->run->events, &line, WEIGHT_LIFE);
    return count[END_UNKNOWN];
}

/* --- its shims */

static struct shim *find(struct agent *agent, const char *name) {
    for (size_t i = 0; i < SHIMS_MAX; i++) {
        if (agent->shim[i].state != SHIM_NONE && strcmp(agent->shim[i].name, name) == 0) {
            return &agent->shim[i];
        }
    }
    return NULL;
}

static size_t count_live(const struct agent *agent) {
    size_t count = 0;
    for (size_t i = 0; i < SHIMS_MAX; i++) {
        count += shim_is_live(&agent->shim[i]) ? 1 : 0;
    }
    return count;
}

/** One that has gone makes room: first of this name, then of any of which nothing is left. NULL: there is none. */
static struct shim *find_place(struct agent *agent, const char *name) {
    struct shim *place = find(agent, name);
    for (size_t i = 0; place == NULL && i < SHIMS_MAX; i++) {
        place = agent->shim[i].state == SHIM_NONE ? &agent->shim[i] : NULL;
    }
    for (size_t i = 0; place == NULL && i < SHIMS_MAX; i++) {
        place = agent->shim[i].state == SHIM_GONE && agent->shim[i].words.end != END_UNKNOWN ? &agent->shim[i] : NULL;
    }
    return place;
}

static void hand_over_toolbox(struct agent *agent, struct shim *shim) {
    if (shim->tools >= 0 && agent->holder >= 0) {
        agent->run->toolbox.in_use = true;
        tool_root_give(shim->tools, agent->run->toolbox.mount_fd, agent->holder);
        close_fd(&shim->tools);
    }
}

static int begin(struct agent *agent, const char *name, char *words, size_t length, struct error *err) {
    char *argv[SHIM_WORDS_MAX + 2] = {"nsexec"};
    struct birth birth = {.argv = argv, .life = agent->life, .run = agent->run, .self = agent->self};
    struct shim made = SHIM_FREE;
    if (agent->run->reason != REASON_NONE) {
        return fail(err, "not-started", 0, "the agent is ending");
    }
    if (events_congested(&agent->run->events)) {
        return fail(err, "not-started", 0, "nobody reads what the agent says");
    }
    struct shim *place = find_place(agent, name);
    if (place == NULL) {
        return fail(err, "usage", 0, "there are %d already", SHIMS_MAX);
    }
    if (shim_is_live(place)) {
        return fail(err, "usage", 0, "there is one called `%s` already", name);
    }
    if (place->state == SHIM_GONE && place->words.end == END_UNKNOWN) {
        return fail(err, "usage", 0, "it is not known what the one called `%s` has left", name);
    }
    if (words_parse_argv(argv + 1, SHIM_WORDS_MAX, words, length) == 0) {
        return fail(err, "usage", 0, "its line is not `begin NAME WORD… <`, with at most %d words", SHIM_WORDS_MAX);
    }
    if (shim_check(&made, argv, &birth.toolbox, err) < 0) {
        return -1;
    }
    memcpy(made.name, name, strlen(name));
    if (shim_begin(&made, &birth, err) < 0) {
        return -1;
    }
    if (place->state != SHIM_NONE) {
        agent->forgotten[place->words.end] += strcmp(place->name, name) == 0 ? 0 : 1;
    }
    *place = made;
    agent->any = true;
    report_begun(agent, place);
    hand_over_toolbox(agent, place);
    return 0;
}

/** As of one that does not hear what it is told: it would do something else than was meant. */
static void give_up_on(struct agent *agent, struct shim *shim) {
    event_warn(&agent->run->events, "stdin", "`%s` does not read its lines, and one was lost: it is ended", shim->name);
    shim->kill_at = clock_ms() + ENDS_MS + shim->grace_ms;
    close_fd(&shim->in);
    json_free(&shim->to);
    shim_signal(shim, SIGTERM);
}

static void tell(struct agent *agent, struct shim *shim, const char *text, size_t length) {
    size_t waiting = 0;
    for (size_t i = 0; i < SHIMS_MAX; i++) {
        waiting += agent->shim[i].to.length;
    }
    size_t left = waiting >= ALL_ROOM ? 0 : ALL_ROOM - waiting;
    size_t room = left < SHIM_ROOM - shim->to.length ? left + shim->to.length : SHIM_ROOM;
    if (shim->in >= 0 && !shim->ended && !shim_tell(shim, text, length, room)) {
        give_up_on(agent, shim);
    }
}

static void tell_all(struct agent *agent, const char *text, size_t length) {
    for (size_t i = 0; i < SHIMS_MAX; i++) {
        if (shim_is_live(&agent->shim[i])) {
            tell(agent, &agent->shim[i], text, length);
        }
    }
}

/** All of them are to end; they are waited for. */
static void end_all(struct agent *agent, enum reason reason) {
    if (agent->run->reason != REASON_NONE) {
        return;
    }
    agent->run->reason = reason;
    for (size_t i = 0; i < SHIMS_MAX; i++) {
        struct shim *shim = &agent->shim[i];
        if (!shim_is_live(shim)) {
            continue;
        }
        shim->kill_at = shim->kill_at != 0 ? shim->kill_at : clock_ms() + ENDS_MS + shim->grace_ms;
        if (reason == REASON_SIGNAL) {
            shim_signal(shim, SIGTERM);
        } else {
            tell(agent, shim, "stop", strlen("stop"));
        }
    }
}

/* --- what it hears */

static void take_line(struct agent *agent, char *text, size_t length, bool whole) {
    struct agent_line line;
    struct error err = {0};
    const char *why = agent_line_read(text, length, &line);
    struct shim *shim = why == NULL && line.kind == AGENT_LINE_TO ? find(agent, line.name) : NULL;
    if (why == NULL && line.kind == AGENT_LINE_TO && (shim == NULL || !shim_is_live(shim))) {
        why = "there is no shim of that name";
    } else if (line.kind == AGENT_LINE_NONE) {
        why = whole ? "it is none that an agent takes" : "it is too long";
    }
    if (why != NULL) {
        event_warn(&agent->run->events, "stdin", "a line on stdin was not taken: %s: `%.256s`", why, text);
        return;
    }
    /* Of one that is too long so much is passed on as a shim needs to see that it is. */
    switch (line.kind) {
    case AGENT_LINE_TO:
        tell(agent, shim, text + line.rest, length - line.rest);
        break;
    case AGENT_LINE_ALL:
        tell_all(agent, text + line.rest, length - line.rest);
        break;
    default:
        if (begin(agent, line.name, text + line.rest, whole ? length - line.rest : 0, &err) < 0) {
            report_refused(agent, line.name, &err);
        }
        break;
    }
}

static void take_toolbox_line(struct agent *agent) {
    struct run *run = agent->run;
    const char *why = toolbox_take_line(&run->toolbox, run->lines.text, run->lines.length, true);
    if (!run->toolbox.ready) {
        close_fd(&agent->holder);
    }
    if (why != NULL) {
        event_warn(&run->events, "stdin", "a `%.5s` line was not taken: %s", run->lines.text, why);
    }
}

static void take_word(struct agent *agent, enum word word) {
    struct run *run = agent->run;
    run->lease_until = clock_ms() + run->options.lease_ms;
    switch (word) {
    case WORD_BEAT:
        tell_all(agent, "beat", strlen("beat"));
        report_agent(agent, WEIGHT_NOTICE);
        break;
    case WORD_STOP:
        end_all(agent, REASON_STOPPED);
        break;
    case WORD_TOO_LONG:
        take_line(agent, run->lines.text == NULL ? "" : run->lines.text, run->lines.length, false);
        break;
    default:
        if (toolbox_line_of(run->lines.text, run->lines.length) != TOOLBOX_LINE_NONE) {
            take_toolbox_line(agent);
        } else {
            take_line(agent, run->lines.text, run->lines.length, true);
        }
        break;
    }
}

static void take_bytes(struct agent *agent, const char *bytes, size_t length) {
    while (length > 0) {
        enum word word = WORD_OTHER;
        bool taken = false;
        size_t count = lines_take(&agent->run->lines, bytes, length, &taken, &word);
        bytes += count;
        length -= count;
        if (taken) {
            take_word(agent, word);
        }
    }
}

static void take_agent_orders(struct agent *agent) {
    for (const char *const *order = agent->run->options.orders; order != NULL && *order != NULL; order++) {
        take_bytes(agent, *order, strlen(*order));
        take_bytes(agent, "\n", 1);
    }
}

static void take_input(struct agent *agent) {
    char bytes[64 << 10];
    ssize_t got = read(0, bytes, sizeof bytes);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) {
        return;
    }
    agent->run->stdin_open = got > 0;
    take_bytes(agent, bytes, got > 0 ? (size_t)got : 0);
}

static void reap(struct agent *agent) {
    pid_t pid = 0;
    int status = 0;
    while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0) {
        for (size_t i = 0; i < SHIMS_MAX; i++) {
            struct shim *shim = &agent->shim[i];
            if (shim->pid == pid && shim_is_live(shim) && !shim->ended) {
                shim->status = status;
                shim->ended = true;
                shim->ended_ms = clock_ms();
            }
        }
    }
}

static void take_signals(struct agent *agent) {
    struct signalfd_siginfo info;
    while (read(agent->run->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD) {
            reap(agent);
        } else if (signal_ends(&agent->run->options, &info)) {
            end_all(agent, REASON_SIGNAL);
        }
    }
}

/* --- its time */

/** One that has ended has gone when nobody can say anything more for it: its guardian, if there is one, has its stdout too. */
static void look_after(struct agent *agent, struct shim *shim, int64_t now) {
    if (!shim->ended && shim->kill_at != 0 && now >= shim->kill_at) {
        if (shim->forced) {
            shim->ended = true; /* It waits for something that does not answer. */
            shim->ended_ms = now;
            shim->status = SIGKILL;
        }
        shim->forced = true;
        shim->kill_at = now + KILLED_ENDS_MS;
        shim_signal(shim, SIGKILL);
    }
    if (shim->ended && (shim->out < 0 || now >= shim->ended_ms + GUARDIAN_ENDS_MS)) {
        shim_close(shim);
        report_gone(agent, shim);
    }
}

static void take_time(struct agent *agent) {
    struct run *run = agent->run;
    int64_t now = clock_ms();
    if (run->options.lease_ms != 0 && now >= run->lease_until + AFTER_LEASE_MS) {
        end_all(agent, REASON_LEASE);
    }
    for (size_t i = 0; i < SHIMS_MAX; i++) {
        if (shim_is_live(&agent->shim[i])) {
            look_after(agent, &agent->shim[i], now);
        }
    }
}

static int64_t sooner(int64_t first, int64_t second) { return second != 0 && second < first ? second : first; }

static int timeout(const struct agent *agent) {
    const struct run *run = agent->run;
    int64_t now = clock_ms();
    int64_t wake = now + 60000;
    if (run->options.lease_ms != 0 && run->reason == REASON_NONE) {
        wake = sooner(wake, run->lease_until + AFTER_LEASE_MS);
    }
    wake = run->stdin_open ? wake : sooner(wake, now + STDIN_RETRY_MS);
    for (size_t i = 0; i < SHIMS_MAX; i++) {
        const struct shim *shim = &agent->shim[i];
        if (shim_is_live(shim)) {
            wake = sooner(wake, shim->ended ? shim->ended_ms + GUARDIAN_ENDS_MS : shim->kill_at);
        }
    }
    return wake <= now || toolbox_is_busy(&run->toolbox) ? 0 : (int)(wake - now) + 1;
}

/** Unpacks a piece of it; when that was the last, it is put where every shim can have it. */
static void go_on_with_toolbox(struct agent *agent) {
    struct toolbox *toolbox = &agent->run->toolbox;
    struct error err = {0};
    toolbox_go_on(toolbox);
    if (!toolbox->ready) {
        return;
    }
    agent->holder = tool_root_hold(toolbox->mount_fd, &err);
    if (agent->holder < 0) {
        toolbox_refuse(toolbox, &err);
    }
    for (size_t i = 0; i < SHIMS_MAX; i++) {
        hand_over_toolbox(agent, &agent->shim[i]);
    }
}

/* --- what it waits for */

/** Only when all that was said has been read is more taken from a shim, which then sees its own pipe full; but one that has ended says no more than fits into that, and is heard at once. */
static bool is_heard(const struct shim *shim, const struct shim *long_one, bool stalled) {
    bool waits = long_one != NULL && long_one != shim && shim_is_long(shim);
    return shim_is_live(shim) && shim->out >= 0 && (shim->ended || (!stalled && !waits));
}

/** The one whose line is the longest is heard to its end, before another may keep as much in memory. */
static const struct shim *find_long_one(const struct agent *agent) {
    const struct shim *found = NULL;
    for (size_t i = 0; i < SHIMS_MAX; i++) {
        const struct shim *shim = &agent->shim[i];
        if (shim_is_live(shim) && shim_is_long(shim) && (found == NULL || shim->line.length > found->line.length)) {
            found = shim;
        }
    }
    return found;
}

static void serve_shims(struct agent *agent, const struct pollfd *from, const struct pollfd *to) {
    for (size_t i = 0; i < SHIMS_MAX; i++) {
        if (to[i].revents != 0) {
            shim_write(&agent->shim[i]);
        }
        if (from[i].revents != 0) {
            shim_read(&agent->shim[i], &agent->run->events);
        }
    }
}

static void wait_and_serve(struct agent *agent) {
    enum { SIGNALS, INPUT, OUTPUT, FROM, TO = FROM + SHIMS_MAX, COUNT = TO + SHIMS_MAX };
    struct run *run = agent->run;
    toolbox_report(&run->toolbox, &run->events);
    bool stalled = events_flush(&run->events);
    struct pollfd ready[COUNT] = {
        [SIGNALS] = {.fd = run->signals, .events = POLLIN},
        [INPUT] = {.fd = run->stdin_open ? 0 : -1, .events = POLLIN},
        [OUTPUT] = {.fd = stalled ? run->events.fd : -1, .events = POLLOUT},
    };
    const struct shim *long_one = find_long_one(agent);
    for (size_t i = 0; i < SHIMS_MAX; i++) {
        const struct shim *shim = &agent->shim[i];
        ready[FROM + i] = (struct pollfd){.fd = is_heard(shim, long_one, stalled) ? shim->out : -1, .events = POLLIN};
        ready[TO + i] = (struct pollfd){.fd = shim_is_live(shim) && shim->to.length > 0 ? shim->in : -1, .events = POLLOUT};
    }
    if (poll(ready, COUNT, timeout(agent)) < 0) {
        return;
    }
    if (!run->stdin_open) {
        struct pollfd again = {.fd = 0, .events = POLLIN};
        ready[INPUT].revents = (short)(poll(&again, 1, 0) == 1 ? again.revents & POLLIN : 0);
    }
    if (ready[SIGNALS].revents != 0) {
        take_signals(agent);
    }
    /* Before the client: one that is begun may take the place of one that was looked at. */
    serve_shims(agent, ready + FROM, ready + TO);
    if (ready[INPUT].revents != 0) {
        take_input(agent);
    }
    take_time(agent);
    if (toolbox_is_busy(&run->toolbox)) {
        go_on_with_toolbox(agent);
    }
}

/** Without a client there is nobody who could begin another. */
static bool is_over(struct agent *agent) {
    size_t live = count_live(agent);
    if (live == 0 && agent->any && agent->run->options.orders != NULL) {
        end_all(agent, REASON_OVER);
    }
    return live == 0 && agent->run->reason != REASON_NONE;
}

static int live(struct agent *agent, struct error *err) {
    struct run *run = agent->run;
    if (signals_collect(run, err) < 0) {
        return -1;
    }
    agent->self = (int)sys2(__NR_pidfd_open, sys0(__NR_getpid), 0);
    if (agent->self < 0) {
        return fail(err, agent->self == -ENOSYS ? "kernel" : "internal", -agent->self, "pidfd_open (Linux 5.3)");
    }
    /* What a shim is told may be as long as it takes, and one byte more, by which it sees that it is too long. */
    run->lines.limit = LONG_LINE_MAX_BYTES + AGENT_PREFIX_MAX + 1;
    run->lease_until = clock_ms() + run->options.lease_ms;
    report_agent(agent, WEIGHT_LIFE);
    take_agent_orders(agent);
    while (!is_over(agent)) {
        wait_and_serve(agent);
    }
    return report_over(agent) == 0 ? 0 : 1;
}

int agent(struct run *run, shim_life life, struct error *err) {
    struct agent *agent = calloc(1, sizeof *agent);
    if (agent == NULL) {
        return fail(err, "internal", ENOMEM, "keep the shims");
    }
    agent->run = run;
    agent->self = -1;
    agent->holder = -1;
    for (size_t i = 0; i < SHIMS_MAX; i++) {
        agent->shim[i] = SHIM_FREE;
    }
    agent->life = life;
    int result = live(agent, err);
    for (size_t i = 0; i < SHIMS_MAX; i++) {
        shim_close(&agent->shim[i]);
    }
    close_fd(&agent->self);
    close_fd(&agent->holder);
    free(agent);
    return result;
}
