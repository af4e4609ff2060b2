#ifndef NSEXEC_INFLATE_H
#define NSEXEC_INFLATE_H

#include "toolbox/huffman.h"

#include <sys/types.h>

/* A match reaches back so far; so much is decoded at once, before somebody else has a turn; so much is read at once. */
enum { INFLATE_HISTORY = 32 << 10, INFLATE_STEP = 64 << 10, INFLATE_INPUT = 16 << 10, INFLATE_MATCH_MAX = 258 };

/**
 * Decodes deflate (RFC 1951), a step at a time, out of what `read` gives. Memory is what is here and no more, whatever it decodes. Large: for the heap. All zero at the
 * beginning, but for `read` and `from`.
 */
struct inflate {
    /** At most `size` of the bytes that come next; 0 at their end, or -1. */
    ssize_t (*read)(void *from, uint8_t *bytes, size_t size);
    void *from;
    uint64_t bits;       /**< taken from the input and not decoded, the next one least significant; above `count` there may be bits of the byte that comes next */
    unsigned int count;  /**< how many they are */
    unsigned int beyond; /**< bytes of them, the last ones, that are zeros because the input has ended */
    enum { BLOCK_NONE, BLOCK_STORED, BLOCK_CODED } block;
    bool last;       /**< this block is the last */
    uint32_t stored; /**< bytes that are left of a stored block */
    size_t next, filled;                                       /**< of `input` */
    size_t at;                                                 /**< of `out`: so much of it is decoded */
    uint32_t literals[HUFFMAN_LITERAL_ENTRIES], distances[HUFFMAN_DISTANCE_ENTRIES];
    uint8_t input[INFLATE_INPUT];
    uint8_t out[INFLATE_HISTORY + INFLATE_STEP + INFLATE_MATCH_MAX + 8]; /**< what matches reach back to, then what is new; copied by words of eight */
};

enum inflate_state { INFLATE_GOES_ON, INFLATE_ENDED, INFLATE_BROKEN };

/** What a step has decoded. */
struct inflated {
    const uint8_t *at; /**< until the next step */
    size_t length;     /**< at most INFLATE_STEP + INFLATE_MATCH_MAX */
    const char *problem; /**< of INFLATE_BROKEN: what is wrong, as the end of a sentence about the data */
};

/** One step. At the end the input stands just behind the last byte of the data. */
enum inflate_state inflate_more(struct inflate *inflate, struct inflated *inflated);

/** A byte of the input, before the data or behind it; -1 at its end. */
int inflate_byte(struct inflate *inflate);

#endif
