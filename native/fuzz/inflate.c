#include "toolbox/inflate.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* More than this says nothing new: what is decoded has been moved by then, for the next step. */
enum { OUT_MAX = 1 << 17 };

/* The same, bit by bit, code by code, into one large buffer: slow, and with none of the tables. */
struct reader {
    const uint8_t *data;
    size_t size, bit;
    bool broken;
    uint8_t *out;
    size_t length;
};

static unsigned int bits_of(struct reader *reader, unsigned int count) {
    unsigned int value = 0;
    for (unsigned int i = 0; i < count; i++, reader->bit++) {
        if (reader->bit / 8 >= reader->size) {
            reader->broken = true;
            return 0;
        }
        value |= (unsigned int)(reader->data[reader->bit / 8] >> reader->bit % 8 & 1) << i;
    }
    return value;
}

static void put(struct reader *reader, unsigned int byte) {
    if (reader->length < OUT_MAX) {
        reader->out[reader->length++] = (uint8_t)byte;
    } else {
        reader->broken = true;
    }
}

/* Canonical: symbols by length, then by number. */
struct code {
    unsigned int count[16];
    uint16_t symbols[320];
};

static struct code code_of(const uint8_t *lengths, size_t symbols) {
    struct code code = {0};
    size_t at = 0;
    for (unsigned int length = 1; length < 16; length++) {
        for (size_t i = 0; i < symbols; i++) {
            if (lengths[i] == length) {
                code.count[length]++;
                code.symbols[at++] = (uint16_t)i;
            }
        }
    }
    return code;
}

/* Which symbol comes next; -1 where none does. */
static int symbol_of(struct reader *reader, const struct code *of) {
    unsigned int code = 0;
    unsigned int first = 0;
    unsigned int before = 0;
    for (unsigned int length = 1; length < 16 && !reader->broken; length++) {
        code |= bits_of(reader, 1);
        if (code - first < of->count[length]) {
            return reader->broken ? -1 : of->symbols[before + code - first];
        }
        before += of->count[length];
        first = (first + of->count[length]) << 1;
        code <<= 1;
    }
    reader->broken = true;
    return -1;
}

static bool is_code(const uint8_t *lengths, size_t symbols, bool may_lack, bool may_be_empty) {
    size_t used = 0;
    unsigned long sum = 0;
    for (size_t i = 0; i < symbols; i++) {
        used += lengths[i] != 0;
        sum += lengths[i] == 0 ? 0 : 32768UL >> lengths[i];
    }
    return sum == 32768 || (used == 1 && sum == 16384 && may_lack) || (used == 0 && may_be_empty);
}

static void coded(struct reader *reader, const uint8_t *lengths, size_t literal_count, size_t distance_count) {
    const struct code literals = code_of(lengths, literal_count);
    const struct code distances = code_of(lengths + literal_count, distance_count);
    while (!reader->broken) {
        int symbol = symbol_of(reader, &literals);
        if (symbol < 256) {
            if (symbol >= 0) {
                put(reader, (unsigned int)symbol);
            }
            continue;
        }
        if (symbol == 256) {
            return;
        }
        if (symbol > 285) {
            reader->broken = true;
            return;
        }
        unsigned int step = (unsigned int)symbol - 257;
        unsigned int more = step < 8 || step == 28 ? 0 : step / 4 - 1;
        unsigned int length = step == 28 ? 258 : (step < 8 ? step : (4 + step % 4) << more) + 3;
        length += bits_of(reader, more);
        symbol = reader->broken ? -1 : symbol_of(reader, &distances);
        if (symbol < 0 || symbol > 29) {
            reader->broken = true;
            return;
        }
        step = (unsigned int)symbol;
        more = step < 4 ? 0 : step / 2 - 1;
        size_t distance = (step < 4 ? step : (2 + step % 2) << more) + 1;
        distance += bits_of(reader, more);
        if (distance > reader->length) {
            reader->broken = true;
        }
        for (unsigned int i = 0; i < length && !reader->broken; i++) {
            put(reader, reader->out[reader->length - distance]);
        }
    }
}

static void stored(struct reader *reader) {
    reader->bit = (reader->bit + 7) / 8 * 8;
    unsigned int length = bits_of(reader, 16);
    reader->broken = bits_of(reader, 16) != (length ^ 0xffff) || reader->broken;
    for (unsigned int i = 0; i < length && !reader->broken; i++) {
        unsigned int byte = bits_of(reader, 8);
        if (!reader->broken) {
            put(reader, byte);
        }
    }
}

static void dynamic(struct reader *reader) {
    static const uint8_t order[] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    uint8_t own[19] = {0};
    uint8_t lengths[512] = {0};
    size_t literals = bits_of(reader, 5) + 257;
    size_t distances = bits_of(reader, 5) + 1;
    size_t given = bits_of(reader, 4) + 4;
    for (size_t i = 0; i < given; i++) {
        own[order[i]] = (uint8_t)bits_of(reader, 3);
    }
    reader->broken = reader->broken || literals > 286 || distances > 30 || !is_code(own, 19, false, false);
    const struct code code = code_of(own, sizeof own);
    for (size_t done = 0; done < literals + distances && !reader->broken;) {
        int symbol = symbol_of(reader, &code);
        if (symbol < 16) {
            lengths[done++] = (uint8_t)(symbol < 0 ? 0 : symbol);
            continue;
        }
        size_t run = symbol == 16 ? 3 + bits_of(reader, 2) : symbol == 17 ? 3 + bits_of(reader, 3) : 11 + bits_of(reader, 7);
        reader->broken = reader->broken || run > literals + distances - done || (symbol == 16 && done == 0);
        for (size_t i = 0; i < run && !reader->broken; i++, done++) {
            lengths[done] = symbol == 16 ? lengths[done - 1] : 0;
        }
    }
    reader->broken = reader->broken || lengths[256] == 0 || !is_code(lengths, literals, true, false) || !is_code(lengths + literals, distances, true, true);
    if (!reader->broken) {
        coded(reader, lengths, literals, distances);
    }
}

static void fixed(struct reader *reader) {
    uint8_t lengths[288 + 32];
    for (size_t i = 0; i < sizeof lengths; i++) {
        lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : i < 288 ? 8 : 5;
    }
    coded(reader, lengths, 288, 32);
}

static void whole(struct reader *reader) {
    bool last = false;
    while (!last && !reader->broken) {
        last = bits_of(reader, 1) != 0;
        switch (reader->broken ? 3 : bits_of(reader, 2)) {
        case 0:
            stored(reader);
            break;
        case 1:
            fixed(reader);
            break;
        case 2:
            dynamic(reader);
            break;
        default:
            reader->broken = true;
        }
    }
}

struct source {
    const uint8_t *data;
    size_t size, at, most;
};

static ssize_t give(void *from, uint8_t *bytes, size_t size) {
    struct source *source = from;
    size_t length = source->size - source->at;
    length = length < size ? length : size;
    length = length < source->most ? length : source->most;
    memcpy(bytes, source->data + source->at, length);
    source->at += length;
    return (ssize_t)length;
}

/* The first byte says how much there is at a time. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    struct source source = {.data = data + 1, .size = size - 1, .most = data[0] == 0 ? SIZE_MAX : data[0]};
    static uint8_t out[OUT_MAX];
    struct reader reader = {.data = data + 1, .size = size - 1, .out = out};
    struct inflate *inflate = calloc(1, sizeof *inflate);
    inflate->read = give;
    inflate->from = &source;
    whole(&reader);
    struct inflated inflated;
    size_t done = 0;
    enum inflate_state state = INFLATE_GOES_ON;
    while (state == INFLATE_GOES_ON && done < OUT_MAX) {
        state = inflate_more(inflate, &inflated);
        assert(inflated.length <= INFLATE_STEP + INFLATE_MATCH_MAX);
        size_t compared = inflated.length < reader.length - done ? inflated.length : reader.length - done;
        assert(state == INFLATE_BROKEN || memcmp(inflated.at, reader.out + done, compared) == 0);
        assert(state == INFLATE_BROKEN || compared == inflated.length || reader.broken);
        done += compared;
        if (compared < inflated.length) {
            break; /* More than the other has room for, or behind where it found that the data are broken. */
        }
    }
    if (state == INFLATE_ENDED && !reader.broken) {
        assert(done == reader.length);
        /* The input stands behind the last byte that has a bit of it. */
        assert(source.at - (inflate->filled - inflate->next) == (reader.bit + 7) / 8);
    }
    assert(state != INFLATE_ENDED || !reader.broken || reader.length == OUT_MAX);
    assert(state != INFLATE_BROKEN || reader.broken);
    free(inflate);
    return 0;
}
