#include "base/events.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/format.h"
#include "base/last-words.h"

#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum { QUEUE_BYTES = 256 * 1024, CLOSE_WAIT_MS = 2000 };
/* The kernel makes none larger for who has no right to it: pipe(7), pipe-max-size. */
enum { PIPE_BYTES_MAX = 1 << 20 };

void events_open(struct events *events, const char *log_path) {
    *events = (struct events){.fd = -1, .kind = OUTPUT_BLOCKING, .log_path = log_path};
    struct stat st;
    if (fstat(1, &st) < 0) {
        return;
    }
    /* O_NONBLOCK is a property of the open file, which may be shared with our stderr and with whoever started us: open it once more. */
    if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)) {
        events->fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        events->kind = OUTPUT_REOPENED;
    }
    if (events->fd < 0) {
        events->fd = fcntl(1, F_DUPFD_CLOEXEC, 3);
        events->kind = S_ISSOCK(st.st_mode) ? OUTPUT_SOCKET : OUTPUT_BLOCKING;
    }
    /* Nobody else gets it: the workload's output goes to stderr, and the reader's end-of-file must mean our end. */
    cleanup_close int null = open_null(O_WRONLY);
    if (null < 0 || dup3(null, 1, O_CLOEXEC) < 0) {
        close(1);
    }
}

/** As write(2), but never blocks; EAGAIN when it would. */
static ssize_t write_some(const struct events *events, const char *text, size_t length) {
    if (events->kind == OUTPUT_SOCKET) {
        return send(events->fd, text, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    if (events->kind == OUTPUT_BLOCKING) {
        struct pollfd ready = {.fd = events->fd, .events = POLLOUT};
        if (poll(&ready, 1, 0) != 1) {
            errno = EAGAIN;
            return -1;
        }
        /* POLLOUT of a pipe promises room for PIPE_BUF bytes. */
        length = length > 4096 ? 4096 : length;
    }
    return write(events->fd, text, length);
}

bool events_flush(struct events *events) {
    size_t done = 0;
    while (events->fd >= 0 && done < events->queue.length) {
        ssize_t written = write_some(events, events->queue.text + done, events->queue.length - done);
        if (written > 0) {
            done += (size_t)written;
        } else if (written == 0 || errno == EAGAIN) {
            break;
        } else if (errno != EINTR) {
            close_fd(&events->fd);
        }
    }
    if (events->fd < 0) {
        done = events->queue.length;
    }
    if (done > 0) {
        memmove(events->queue.text, events->queue.text + done, events->queue.length - done);
        events->queue.length -= done;
    }
    if (events->queue.length == 0 && events->queue.room > QUEUE_BYTES) {
        json_free(&events->queue);
    }
    return events->queue.length > 0;
}

bool events_congested(const struct events *events) { return events->queue.length > QUEUE_BYTES; }

void event_begin(struct json *line, const char *name) {
    json_open(line, NULL, '{');
    json_string(line, "event", name);
    json_number(line, "at_ms", clock_real_ms());
}

static void queue_line(struct events *events, struct json *line, enum weight weight) {
    json_close(line, '}');
    json_raw(line, "\n", 1);
    bool waiting = events_flush(events);
    bool dropped = line->failed || events->fd < 0 || (weight == WEIGHT_SAMPLE && waiting) || (weight == WEIGHT_NOTICE && events->queue.length > QUEUE_BYTES / 2);
    if (!dropped) {
        json_raw(&events->queue, line->text, line->length);
        events_flush(events);
    }
}

void event_emit(struct events *events, struct json *line, enum weight weight) {
    queue_line(events, line, weight);
    static const char ended[] = "{\"event\":\"ended\"";
    if (line->length > sizeof ended && memcmp(line->text, ended, sizeof ended - 1) == 0) {
        json_free(&events->last_ended);
        events->last_ended = *line;
        *line = (struct json){0};
    }
    json_free(line);
}

void event_pass_on(struct events *events, struct json *line) {
    json_raw(line, "\n", 1);
    bool waiting = events_flush(events);
    if (!line->failed && events->fd >= 0 && !waiting) {
        /* A long one is not copied. */
        json_free(&events->queue);
        events->queue = *line;
        *line = (struct json){0};
    } else if (!line->failed && events->fd >= 0) {
        json_raw(&events->queue, line->text, line->length);
    }
    events_flush(events);
    json_free(line);
}

/** The kubelet mounts the file and reads it; what is no such file is left alone, and not opened: it is the image's. */
static int open_log(const struct events *events, int how) { return open_regular(events->log_path, strcmp(events->log_path, TERMINATION_LOG) == 0, O_WRONLY | how); }

void events_write_log(const struct events *events, const struct json *text) {
    cleanup_close int fd = open_log(events, O_TRUNC);
    ssize_t written = fd < 0 || text->failed ? 0 : write(fd, text->text, text->length > LOG_BYTES ? LOG_BYTES : text->length);
    (void)written; /* A second channel for the verdict; the first one, stdout, is served in any case. */
}

/** Nobody has the other end of the pipe: pipe(7) */
static bool has_no_reader(const struct events *events) {
    struct pollfd pipe = {.fd = events->fd, .events = 0};
    return events->fd < 0 || (poll(&pipe, 1, 0) == 1 && (pipe.revents & POLLERR) != 0);
}

/** Others of the agent's shims, and guardians, do the same. */
static void add_to_log(const struct events *events, const struct json *line) {
    struct last_words words = {0};
    cleanup_json struct json text = {0};
    if (!has_no_reader(events) || !last_words_read(&words, line->text, line->length)) {
        return;
    }
    cleanup_close int fd = open_log(events, O_APPEND);
    last_words_write(&words, events->name, &text);
    ssize_t written = fd < 0 || text.failed ? 0 : write(fd, text.text, text.length);
    (void)written; /* As above. */
}

static void write_log(const struct events *events, const struct json *line) {
    cleanup_json struct json both = {0};
    if (events->name != NULL) {
        add_to_log(events, line);
        return;
    }
    if (events->last_ended.length + line->length <= LOG_BYTES) {
        json_raw(&both, events->last_ended.text, events->last_ended.length);
    }
    json_raw(&both, line->text, line->length);
    events_write_log(events, &both);
}

void event_emit_last(struct events *events, struct json *line) {
    queue_line(events, line, WEIGHT_LIFE);
    write_log(events, line);
    json_free(line);
}

void event_warn(struct events *events, const char *code, const char *format, ...) {
    char message[1024];
    va_list arguments;
    va_start(arguments, format);
    format_arguments(message, sizeof message, format, arguments);
    va_end(arguments);
    struct json line = {0};
    event_begin(&line, "warning");
    json_string(&line, "code", code);
    json_string(&line, "message", message);
    event_emit(events, &line, WEIGHT_NOTICE);
}

void event_error(struct events *events, const struct error *err, const char *state) {
    char message[sizeof err->text + 128];
    error_message(err, message, sizeof message);
    struct json line = {0};
    event_begin(&line, "error");
    json_string(&line, "code", err->code);
    json_string(&line, "message", message);
    json_string(&line, "state", state);
    event_emit_last(events, &line);
}

/** An agent reads all that a shim has said when that has ended, but before only what its client reads: the pipe is made large enough for what is still to be said. */
static void make_room(const struct events *events) {
    size_t room = 2 * (AGENT_PIPE_BYTES + events->queue.length);
    (void)fcntl(events->fd, F_SETPIPE_SZ, room < PIPE_BYTES_MAX ? (int)room : PIPE_BYTES_MAX); /* Where there is none, it waits as any other. */
}

void events_close(struct events *events) {
    if (events->name != NULL && events_flush(events)) {
        make_room(events);
    }
    int64_t until = clock_ms() + CLOSE_WAIT_MS;
    while (events_flush(events)) {
        struct pollfd ready = {.fd = events->fd, .events = POLLOUT};
        int64_t left = until - clock_ms();
        if (left <= 0 || (poll(&ready, 1, (int)left) < 0 && errno != EINTR)) {
            break;
        }
    }
    close_fd(&events->fd);
    json_free(&events->queue);
    json_free(&events->last_ended);
}
