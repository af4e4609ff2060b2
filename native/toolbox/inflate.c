#include "toolbox/inflate.h"

#include <string.h>

static const char ends_early[] = "they end early";
static const char bad_code[] = "a code in them is none of deflate";
static const char bad_match[] = "a match in them reaches back before the beginning";

/* So many bits are there after a refill, if there is that much: a length, its extra bits, a distance and its take 48 at most. */
enum { REFILLED_BITS = 56, KEPT_BYTES = 8 };

/* Blocks take time, whatever they hold: one that is empty is ten bits, and its tables are made all the same. */
enum { STEP_BLOCKS = 32 };

/** False when nothing comes any more. The last bytes are kept: what is in `bits` can be given back. */
static bool read_more(struct inflate *inflate) {
    size_t kept = inflate->next < KEPT_BYTES ? inflate->next : KEPT_BYTES;
    size_t left = inflate->filled - inflate->next;
    memmove(inflate->input, inflate->input + inflate->next - kept, kept + left);
    inflate->next = kept;
    inflate->filled = kept + left;
    ssize_t got = inflate->read(inflate->from, inflate->input + inflate->filled, INFLATE_INPUT - inflate->filled);
    inflate->filled += got > 0 ? (size_t)got : 0;
    return got > 0;
}

/** Near the end of what has been read. False when bits have been decoded that were never there. */
static bool refill_slowly(struct inflate *inflate) {
    while (inflate->count < REFILLED_BITS) {
        if (inflate->next < inflate->filled || read_more(inflate)) {
            inflate->bits |= (uint64_t)inflate->input[inflate->next++] << inflate->count;
        } else {
            inflate->beyond++;
        }
        inflate->count += 8;
    }
    return inflate->beyond * 8 <= inflate->count;
}

static uint64_t eight_bytes(const uint8_t *at) {
    uint64_t value = 0;
    memcpy(&value, at, sizeof value); /* Both machines are little-endian. */
    return value;
}

static bool refill(struct inflate *inflate) {
    if (inflate->filled - inflate->next < 8) {
        return refill_slowly(inflate);
    }
    inflate->bits |= eight_bytes(inflate->input + inflate->next) << inflate->count;
    inflate->next += (63 - inflate->count) >> 3;
    inflate->count |= REFILLED_BITS;
    return true;
}

static uint32_t take_bits(struct inflate *inflate, unsigned int count) {
    uint32_t value = (uint32_t)(inflate->bits & (((uint64_t)1 << count) - 1));
    inflate->bits >>= count;
    inflate->count -= count;
    return value;
}

/** Gives back what was read too much, up to a whole byte. False when bits have been decoded that were never there. */
static bool align(struct inflate *inflate) {
    unsigned int bytes = inflate->count / 8;
    if (inflate->beyond > bytes) {
        return false;
    }
    inflate->next -= bytes - inflate->beyond;
    inflate->bits = 0;
    inflate->count = 0;
    inflate->beyond = 0;
    return true;
}

int inflate_byte(struct inflate *inflate) { return inflate->next < inflate->filled || read_more(inflate) ? inflate->input[inflate->next++] : -1; }

static uint32_t meaning_of_literal(size_t symbol) {
    static const uint16_t base[] = {3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
    static const uint8_t extra[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
    if (symbol < 256) {
        return huffman_entry(HUFFMAN_LITERAL, 0, (uint32_t)symbol);
    }
    if (symbol == 256 || symbol - 257 >= sizeof extra) {
        return huffman_entry(HUFFMAN_END, 0, symbol != 256);
    }
    return huffman_entry(HUFFMAN_BASE, extra[symbol - 257], base[symbol - 257]);
}

static uint32_t meaning_of_distance(size_t symbol) {
    if (symbol >= 30) {
        return huffman_entry(HUFFMAN_END, 0, 1);
    }
    unsigned int extra = symbol < 4 ? 0 : (unsigned int)symbol / 2 - 1;
    return huffman_entry(HUFFMAN_BASE, extra, symbol < 4 ? (uint32_t)symbol + 1 : ((2 + ((uint32_t)symbol & 1)) << extra) + 1);
}

static uint32_t meaning_of_length(size_t symbol) { return huffman_entry(HUFFMAN_LITERAL, 0, (uint32_t)symbol); }

static bool make_codes(struct inflate *inflate, const uint8_t *lengths, size_t literals, size_t distances) {
    const struct huffman literal = {inflate->literals, HUFFMAN_LITERAL_ENTRIES, HUFFMAN_LITERAL_BITS, meaning_of_literal, HUFFMAN_ONE};
    const struct huffman distance = {inflate->distances, HUFFMAN_DISTANCE_ENTRIES, HUFFMAN_DISTANCE_BITS, meaning_of_distance, HUFFMAN_ONE_OR_NONE};
    return lengths[256] != 0 && huffman_make(&literal, lengths, literals) && huffman_make(&distance, lengths + literals, distances);
}

static bool fixed_codes(struct inflate *inflate) {
    uint8_t lengths[HUFFMAN_SYMBOLS_MAX + 32];
    memset(lengths, 8, 144);
    memset(lengths + 144, 9, 256 - 144);
    memset(lengths + 256, 7, 280 - 256);
    memset(lengths + 280, 8, HUFFMAN_SYMBOLS_MAX - 280);
    memset(lengths + HUFFMAN_SYMBOLS_MAX, 5, 32);
    return make_codes(inflate, lengths, HUFFMAN_SYMBOLS_MAX, 32);
}

/** The lengths of both codes, one after the other, as runs. NULL, or what is wrong. */
static const char *read_lengths(struct inflate *inflate, uint8_t *lengths, size_t total) {
    const uint32_t *table = inflate->distances; /* That of the lengths' own code, until they are known. */
    for (size_t done = 0; done < total;) {
        if (!refill(inflate)) {
            return ends_early;
        }
        uint32_t entry = table[inflate->bits & ((1U << HUFFMAN_LENGTH_BITS) - 1)];
        uint32_t symbol = huffman_value(entry);
        take_bits(inflate, huffman_length(entry));
        if (symbol < 16) {
            lengths[done++] = (uint8_t)symbol;
            continue;
        }
        size_t run = symbol == 16 ? 3 + take_bits(inflate, 2) : symbol == 17 ? 3 + take_bits(inflate, 3) : 11 + take_bits(inflate, 7);
        if (run > total - done || (symbol == 16 && done == 0)) {
            return bad_code;
        }
        memset(lengths + done, symbol == 16 ? lengths[done - 1] : 0, run);
        done += run;
    }
    return NULL;
}

static const char *dynamic_codes(struct inflate *inflate) {
    static const uint8_t order[] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    const struct huffman code = {inflate->distances, HUFFMAN_DISTANCE_ENTRIES, HUFFMAN_LENGTH_BITS, meaning_of_length, HUFFMAN_COMPLETE};
    uint8_t own[sizeof order] = {0};
    uint8_t lengths[286 + 30];
    size_t literals = 257 + take_bits(inflate, 5);
    size_t distances = 1 + take_bits(inflate, 5);
    size_t given = 4 + take_bits(inflate, 4);
    if (literals > 286 || distances > 30) {
        return bad_code;
    }
    for (size_t i = 0; i < given; i++) {
        if (!refill(inflate)) {
            return ends_early;
        }
        own[order[i]] = (uint8_t)take_bits(inflate, 3);
    }
    if (!huffman_make(&code, own, sizeof own)) {
        return bad_code;
    }
    const char *problem = read_lengths(inflate, lengths, literals + distances);
    return problem != NULL ? problem : make_codes(inflate, lengths, literals, distances) ? NULL : bad_code;
}

static const char *begin_block(struct inflate *inflate) {
    if (!refill(inflate)) {
        return ends_early;
    }
    inflate->last = take_bits(inflate, 1) != 0;
    switch (take_bits(inflate, 2)) {
    case 0: {
        if (!align(inflate) || !refill(inflate)) {
            return ends_early;
        }
        uint32_t length = take_bits(inflate, 16);
        uint32_t complement = take_bits(inflate, 16);
        inflate->block = BLOCK_STORED;
        inflate->stored = length;
        return !align(inflate) ? ends_early : length == (complement ^ 0xffff) ? NULL : "the length of a block in them contradicts itself";
    }
    case 1:
        inflate->block = BLOCK_CODED;
        return fixed_codes(inflate) ? NULL : bad_code;
    case 2:
        inflate->block = BLOCK_CODED;
        return dynamic_codes(inflate);
    default:
        return "a block in them is of no kind that there is";
    }
}

static const char *copy_stored(struct inflate *inflate, size_t limit) {
    while (inflate->stored > 0 && inflate->at < limit) {
        if (inflate->next == inflate->filled && !read_more(inflate)) {
            return ends_early;
        }
        size_t taken = inflate->filled - inflate->next;
        taken = taken < inflate->stored ? taken : inflate->stored;
        taken = taken < limit - inflate->at ? taken : limit - inflate->at;
        memcpy(inflate->out + inflate->at, inflate->input + inflate->next, taken);
        inflate->at += taken;
        inflate->next += taken;
        inflate->stored -= (uint32_t)taken;
    }
    inflate->block = inflate->stored == 0 ? BLOCK_NONE : BLOCK_STORED;
    return NULL;
}

/** By eights where they do not overlap: up to seven bytes more than the match are written, which what comes next overwrites. */
static inline void copy_match(uint8_t *to, size_t distance, size_t length) {
    const uint8_t *from = to - distance;
    const uint8_t *end = to + length;
    if (distance >= 8) {
        do {
            memcpy(to, from, 8);
            to += 8;
            from += 8;
        } while (to < end);
        return;
    }
    while (to < end) {
        *to++ = *from++;
    }
}

static inline uint32_t look_up(const uint32_t *table, unsigned int first, uint64_t bits) {
    uint32_t entry = table[bits & ((1U << first) - 1)];
    if (huffman_kind(entry) == HUFFMAN_TABLE) {
        entry = table[huffman_value(entry) + (bits >> first & ((1U << huffman_extra(entry)) - 1))];
    }
    return entry;
}

/** The length or distance that an entry begins, with its extra bits. */
static inline uint32_t take_value(uint32_t entry, uint64_t *bits, unsigned int *used) {
    unsigned int length = huffman_length(entry);
    unsigned int extra = huffman_extra(entry);
    uint32_t value = huffman_value(entry) + (uint32_t)(*bits >> length & ((1U << extra) - 1));
    *bits >>= length + extra;
    *used += length + extra;
    return value;
}

static const char *decode_codes(struct inflate *inflate, size_t limit) {
    uint8_t *out = inflate->out;
    size_t at = inflate->at;
    const char *problem = NULL;
    while (at < limit) {
        if (!refill(inflate)) {
            problem = ends_early;
            break;
        }
        uint64_t bits = inflate->bits;
        unsigned int used = 0;
        uint32_t entry = look_up(inflate->literals, HUFFMAN_LITERAL_BITS, bits);
        /* After a code of at most 15 bits there are 41 left: enough for one more literal, but not for a match. */
        if (huffman_kind(entry) == HUFFMAN_LITERAL) {
            bits >>= huffman_length(entry);
            used = huffman_length(entry);
            out[at++] = (uint8_t)huffman_value(entry);
            entry = look_up(inflate->literals, HUFFMAN_LITERAL_BITS, bits);
            if (huffman_kind(entry) == HUFFMAN_LITERAL) {
                bits >>= huffman_length(entry);
                used += huffman_length(entry);
                out[at++] = (uint8_t)huffman_value(entry);
            }
            inflate->bits = bits;
            inflate->count -= used;
            continue;
        }
        if (huffman_kind(entry) == HUFFMAN_END) {
            take_bits(inflate, huffman_length(entry));
            inflate->block = BLOCK_NONE;
            problem = huffman_value(entry) != 0 ? bad_code : NULL;
            break;
        }
        uint32_t length = take_value(entry, &bits, &used);
        entry = look_up(inflate->distances, HUFFMAN_DISTANCE_BITS, bits);
        if (huffman_kind(entry) != HUFFMAN_BASE) {
            problem = bad_code;
            break;
        }
        uint32_t distance = take_value(entry, &bits, &used);
        if (distance > at) {
            problem = bad_match;
            break;
        }
        copy_match(out + at, distance, length);
        at += length;
        inflate->bits = bits;
        inflate->count -= used;
    }
    inflate->at = at;
    return problem;
}

static const char *go_on(struct inflate *inflate, size_t limit) {
    switch (inflate->block) {
    case BLOCK_STORED:
        return copy_stored(inflate, limit);
    case BLOCK_CODED:
        return decode_codes(inflate, limit);
    default:
        return begin_block(inflate);
    }
}

enum inflate_state inflate_more(struct inflate *inflate, struct inflated *inflated) {
    *inflated = (struct inflated){0};
    if (inflate->at > INFLATE_HISTORY) {
        memmove(inflate->out, inflate->out + inflate->at - INFLATE_HISTORY, INFLATE_HISTORY);
        inflate->at = INFLATE_HISTORY;
    }
    size_t begin = inflate->at;
    size_t limit = begin + INFLATE_STEP;
    bool ended = false;
    for (int blocks = 0; inflated->problem == NULL && !ended && inflate->at < limit && blocks < STEP_BLOCKS;) {
        inflated->problem = go_on(inflate, limit);
        ended = inflate->block == BLOCK_NONE && inflate->last;
        blocks += inflate->block == BLOCK_NONE;
    }
    if (inflated->problem == NULL && ended && !align(inflate)) {
        inflated->problem = ends_early;
    }
    if (inflated->problem != NULL) {
        return INFLATE_BROKEN;
    }
    inflated->at = inflate->out + begin;
    inflated->length = inflate->at - begin;
    return ended ? INFLATE_ENDED : INFLATE_GOES_ON;
}
