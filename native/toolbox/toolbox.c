#include "toolbox/toolbox.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/format.h"
#include "base/sys.h"
#include "toolbox/unpack.h"

#include <linux/memfd.h>
#include <string.h>

/** Forgets all that has come. */
static void throw_away(struct toolbox *toolbox) {
    unpack_free(&toolbox->unpack);
    close_fd(&toolbox->received);
    close_fd(&toolbox->mount_fd);
    toolbox->ready = false;
    toolbox->offset = 0;
    sha256_begin(&toolbox->sum);
}

void toolbox_refuse(struct toolbox *toolbox, const struct error *err) {
    char message[sizeof err->text + 128];
    error_message(err, message, sizeof message);
    throw_away(toolbox);
    format_text(toolbox->problem, sizeof toolbox->problem, "%s", message);
    toolbox->due = true;
}

static bool is_same(const struct toolbox_promise *one, const struct toolbox_promise *other) {
    return strcmp(one->name, other->name) == 0 && one->bytes == other->bytes && one->unpacked == other->unpacked && memcmp(one->sha256, other->sha256, sizeof one->sha256) == 0;
}

static const char *take_promise(struct toolbox *toolbox, const char *text, size_t length) {
    struct toolbox_promise promise;
    toolbox->spoiled = true;
    const char *why = toolbox_read_promise(text, length, &promise);
    if (why != NULL) {
        return why;
    }
    bool same = toolbox->promised && is_same(&promise, &toolbox->promise);
    if (!same && toolbox->in_use) {
        return "another toolbox is in use already";
    }
    if (!same || toolbox->problem[0] != '\0') {
        throw_away(toolbox);
        toolbox->promise = promise;
        toolbox->promised = true;
        toolbox->problem[0] = '\0';
    }
    toolbox->spoiled = false;
    toolbox->due = true;
    return NULL;
}

/** All of it has come. */
static void begin_to_unpack(struct toolbox *toolbox) {
    uint8_t sum[SHA256_BYTES];
    struct error err = {0};
    sha256_end(&toolbox->sum, sum);
    if (memcmp(sum, toolbox->promise.sha256, sizeof sum) != 0) {
        (void)fail(&err, "tools", 0, "it is not what was announced: its SHA-256 is another");
        toolbox_refuse(toolbox, &err);
        return;
    }
    toolbox->unpack_since = clock_ms();
    toolbox->unpack = unpack_begin(steal_fd(&toolbox->received), toolbox->promise.unpacked, &err);
    if (toolbox->unpack == NULL) {
        toolbox_refuse(toolbox, &err);
    }
}

static int keep(struct toolbox *toolbox, const struct toolbox_chunk *chunk, struct error *err) {
    if (toolbox->received < 0) {
        long fd = sys2(__NR_memfd_create, "nsexec-toolbox", MFD_CLOEXEC);
        if (fd < 0) {
            return fail(err, "tools", (int)-fd, "make a memfd for it");
        }
        toolbox->received = (int)fd;
    }
    for (size_t done = 0; done < chunk->length;) {
        ssize_t written = pwrite(toolbox->received, chunk->bytes + done, chunk->length - done, (off_t)(toolbox->offset + done));
        if (written < 0 && errno != EINTR) {
            return fail(err, "tools", errno, "keep what has come of it");
        }
        done += written > 0 ? (size_t)written : 0;
    }
    sha256_add(&toolbox->sum, chunk->bytes, chunk->length);
    toolbox->offset += chunk->length;
    return 0;
}

static const char *take_chunk(struct toolbox *toolbox, const char *text, size_t length) {
    struct toolbox_chunk chunk;
    struct error err = {0};
    if (!toolbox->promised) {
        return "no `tools` line has said what it is of";
    }
    /* Whatever becomes of it, where to go on is the answer. */
    toolbox->due = true;
    const char *why = toolbox_read_chunk(text, length, &chunk);
    if (why != NULL) {
        return why;
    }
    if (toolbox->problem[0] != '\0' || chunk.offset != toolbox->offset || toolbox->offset == toolbox->promise.bytes) {
        return NULL;
    }
    if (chunk.length > toolbox->promise.bytes - toolbox->offset) {
        return "it goes on behind the end that was announced";
    }
    if (keep(toolbox, &chunk, &err) < 0) {
        toolbox_refuse(toolbox, &err);
    } else if (toolbox->offset == toolbox->promise.bytes) {
        begin_to_unpack(toolbox);
    }
    return NULL;
}

const char *toolbox_take_line(struct toolbox *toolbox, const char *text, size_t length, bool before_start) {
    if (!before_start) {
        return "it comes too late: `start` has been said";
    }
    return toolbox_line_of(text, length) == TOOLBOX_LINE_TOOLS ? take_promise(toolbox, text, length) : take_chunk(toolbox, text, length);
}

bool toolbox_is_busy(const struct toolbox *toolbox) { return toolbox->unpack != NULL; }

void toolbox_go_on(struct toolbox *toolbox) {
    struct error err = {0};
    int more = unpack_some(toolbox->unpack, &err);
    if (more > 0) {
        return;
    }
    if (more < 0) {
        toolbox_refuse(toolbox, &err);
        return;
    }
    toolbox->mount_fd = steal_fd(&toolbox->unpack->mount_fd);
    unpack_free(&toolbox->unpack);
    toolbox->ready = true;
    toolbox->unpack_ms = clock_ms() - toolbox->unpack_since;
    toolbox->due = true;
}

const char *toolbox_missing(const struct toolbox *toolbox) {
    if (toolbox->spoiled) {
        return "the last `tools` line could not be taken, and nothing is run without what it announced";
    }
    if (!toolbox->promised || toolbox->ready) {
        return NULL;
    }
    return toolbox->problem[0] != '\0' ? toolbox->problem : "`start` came before the toolbox was ready";
}

void toolbox_report(struct toolbox *toolbox, struct events *events) {
    static const char digits[] = "0123456789abcdef";
    char sum[2 * SHA256_BYTES + 1] = "";
    struct json line = {0};
    if (!toolbox->due || events_flush(events)) {
        return;
    }
    toolbox->due = false;
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        sum[2 * i] = digits[toolbox->promise.sha256[i] >> 4];
        sum[2 * i + 1] = digits[toolbox->promise.sha256[i] & 15];
    }
    event_begin(&line, "tools");
    json_string(&line, "name", toolbox->promise.name);
    json_string(&line, "sha256", sum);
    json_unsigned(&line, "bytes", toolbox->promise.bytes);
    json_unsigned(&line, "offset", toolbox->offset);
    json_bool(&line, "ready", toolbox->ready);
    if (toolbox->ready) {
        json_number(&line, "unpack_ms", toolbox->unpack_ms);
    }
    if (toolbox->problem[0] != '\0') {
        json_string(&line, "problem", toolbox->problem);
    }
    event_emit(events, &line, WEIGHT_LIFE);
}

void toolbox_free(struct toolbox *toolbox) { throw_away(toolbox); }
