#include "enter/output.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <unistd.h>

/* A workload says a few lines; a target that writes through its descriptors must not fill the node's disk. */
enum { PIECE_BYTES = 4096, TOLD_MAX_BYTES = 64 << 10, PIECES_AT_ONCE = 32 };

int output_open(struct output *output, struct error *err) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) {
        return fail(err, "internal", errno, "make a pipe");
    }
    output->from = ends[0];
    output->to = ends[1];
    /* Of our end alone: the workload's own must wait for room, as on any other stdout. */
    return fcntl(output->from, F_SETFL, O_NONBLOCK) < 0 ? fail(err, "internal", errno, "make a pipe") : 0;
}

static void tell(struct output *output, struct events *events, const char *text, size_t length) {
    if (output->told >= TOLD_MAX_BYTES) {
        return;
    }
    struct json line = {0};
    event_begin(&line, "output");
    json_bytes(&line, "text", text, length);
    event_emit(events, &line, WEIGHT_NOTICE);
    output->told += (int64_t)length;
    if (output->told >= TOLD_MAX_BYTES) {
        event_warn(events, "output", "the workload has written more than %d bytes: the rest is not told", TOLD_MAX_BYTES);
    }
}

void output_tell(struct output *output, struct events *events) {
    char bytes[PIECE_BYTES];
    for (int i = 0; output->from >= 0 && i < PIECES_AT_ONCE; i++) {
        ssize_t got = read(output->from, bytes, sizeof bytes);
        if (got > 0) {
            tell(output, events, bytes, (size_t)got);
        } else if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        } else {
            close_fd(&output->from);
        }
    }
}

void output_close(struct output *output) {
    close_fd(&output->from);
    close_fd(&output->to);
}
