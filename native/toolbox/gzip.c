#include "toolbox/gzip.h"

/* FLG, RFC 1952, 2.3.1. */
enum { FLAG_HEADER_CRC = 2, FLAG_EXTRA = 4, FLAG_NAME = 8, FLAG_COMMENT = 16, FLAGS_RESERVED = 0xe0 };

void gzip_begin(struct gzip *gzip, ssize_t (*read)(void *from, uint8_t *bytes, size_t size), void *from) {
    gzip->inflate = (struct inflate){.read = read, .from = from};
    gzip->length = 0;
    gzip->begun = false;
    crc32_begin(&gzip->crc);
}

/** So many bytes, the least first; -1 when there are none. */
static int64_t number(struct inflate *inflate, int bytes) {
    int64_t value = 0;
    for (int i = 0; i < bytes; i++) {
        int byte = inflate_byte(inflate);
        if (byte < 0) {
            return -1;
        }
        value |= (int64_t)byte << (8 * i);
    }
    return value;
}

static bool skip_bytes(struct inflate *inflate, int64_t count) {
    while (count > 0 && inflate_byte(inflate) >= 0) {
        count--;
    }
    return count == 0;
}

static bool skip_text(struct inflate *inflate) {
    int byte = 0;
    do {
        byte = inflate_byte(inflate);
    } while (byte > 0);
    return byte == 0;
}

/** Nothing that a header may have besides says anything about the data. */
static int read_header(struct inflate *inflate, struct error *err) {
    int64_t magic = number(inflate, 3);
    int flags = inflate_byte(inflate);
    if (magic != 0x088b1f || flags < 0 || (flags & FLAGS_RESERVED) != 0) {
        return fail(err, "tools", 0, "it is no gzip file");
    }
    bool whole = skip_bytes(inflate, 6) && ((flags & FLAG_EXTRA) == 0 || skip_bytes(inflate, number(inflate, 2))) && ((flags & FLAG_NAME) == 0 || skip_text(inflate)) &&
                 ((flags & FLAG_COMMENT) == 0 || skip_text(inflate)) && ((flags & FLAG_HEADER_CRC) == 0 || skip_bytes(inflate, 2));
    return whole ? 0 : fail(err, "tools", 0, "its gzip header ends early");
}

static int read_trailer(struct gzip *gzip, struct error *err) {
    int64_t crc = number(&gzip->inflate, 4);
    int64_t length = number(&gzip->inflate, 4);
    if (length < 0) {
        return fail(err, "tools", 0, "its gzip trailer ends early");
    }
    if ((uint32_t)crc != gzip->crc.value || (uint32_t)length != (uint32_t)gzip->length) {
        return fail(err, "tools", 0, "what it decodes to has not the sum or the length that its gzip trailer says");
    }
    return inflate_byte(&gzip->inflate) < 0 ? 0 : fail(err, "tools", 0, "there is more behind its end");
}

int gzip_more(struct gzip *gzip, struct inflated *inflated, struct error *err) {
    if (!gzip->begun) {
        gzip->begun = true;
        if (read_header(&gzip->inflate, err) < 0) {
            return -1;
        }
    }
    enum inflate_state state = inflate_more(&gzip->inflate, inflated);
    if (state == INFLATE_BROKEN) {
        return fail(err, "tools", 0, "its deflated data are broken: %s", inflated->problem);
    }
    gzip->length += inflated->length;
    crc32_add(&gzip->crc, inflated->at, inflated->length);
    return state == INFLATE_GOES_ON ? 1 : read_trailer(gzip, err);
}
