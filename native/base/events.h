#ifndef NSEXEC_EVENTS_H
#define NSEXEC_EVENTS_H

#include "base/error.h"
#include "base/json.h"

#include <stdbool.h>

/** How much an event matters when the reader is slower than we are. */
enum weight {
    WEIGHT_LIFE,   /**< the life cycle: waits in the queue, never dropped */
    WEIGHT_NOTICE, /**< warnings and repeated facts: dropped when half the queue is full */
    WEIGHT_SAMPLE, /**< dropped when anything waits at all */
};

/** Where the kubelet mounts the file of last words. */
#define TERMINATION_LOG "/dev/termination-log"
/* Of the pipe from a shim to its agent. What waits in it was said before the reader was seen to be slow: little, so that samples are not old. */
enum { AGENT_PIPE_BYTES = 16 << 10 };
/* In front of a newline: what stands on that line was cut off, and is none. */
enum { EVENTS_CUT = 0x18 };
/* So much of it is kept: the end, if there is more. */
enum { LOG_BYTES = 4096 };

/** Where events go. The shim outlives its reader: a full pipe never blocks it, a closed one never ends it. */
struct events {
    int fd; /**< -1 when nobody can read any more */
    enum { OUTPUT_SOCKET, OUTPUT_REOPENED, OUTPUT_BLOCKING } kind;
    struct json queue;     /**< lines not yet written */
    struct json last_ended; /**< for the termination log */
    const char *log_path;
    const char *name; /**< of a shim of an agent, which reads the events and writes the log itself; NULL: of nobody's */
};

/** Takes stdout over: descriptor 1 is closed, so that no child inherits it. */
void events_open(struct events *events, const char *log_path);

/** Begins `{"event":NAME,"at_ms":…`. */
void event_begin(struct json *line, const char *name);
/** Closes the object, writes it or puts it into the queue, and frees it. */
void event_emit(struct events *events, struct json *line, enum weight weight);
/**
 * Emits, and writes `ended` (if there was one) and this line to the termination log, if that exists. A shim of an agent adds a line of its last words to that log, where there is no agent
 * any more to do it.
 */
void event_emit_last(struct events *events, struct json *line);
/** A `warning` event. */
__attribute__((format(printf, 3, 4))) void event_warn(struct events *events, const char *code, const char *format, ...);
/** The `error` event, also on the termination log, and its text on stderr. `state` as in README. */
void event_error(struct events *events, const struct error *err, const char *state);

/** Puts a line that is whole and another's into the queue, and takes it over: `line` is empty afterwards. */
void event_pass_on(struct events *events, struct json *line);
/** Writes this to the termination log, if that exists: as much of it as the kubelet keeps. */
void events_write_log(const struct events *events, const struct json *text);

/** Writes what waits, as far as it goes without blocking. True when there is more. */
bool events_flush(struct events *events);
/** Whether more waits to be read than a reader that keeps up leaves. */
bool events_congested(const struct events *events);
/** Waits for the reader until everything is written, but no longer than 2 s; then closes. */
void events_close(struct events *events);

#endif
