#ifndef NSEXEC_HUFFMAN_H
#define NSEXEC_HUFFMAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The tables by which a code of deflate (RFC 1951, 3.2.2) is decoded: the next bits, least significant first, are the index of an entry; longer codes lead on to
 * a second table behind the first. An entry: bits 0–3 are the length of the code, 4–7 how many extra bits follow, 8–9 its kind, 16–31 its value.
 */
enum huffman_kind {
    HUFFMAN_LITERAL, /**< the value itself */
    HUFFMAN_BASE,    /**< of a length or a distance: the extra bits are added */
    HUFFMAN_TABLE,   /**< where the second table begins; `extra` bits beyond the first are its index */
    HUFFMAN_END,     /**< value 0: the end of a block; 1: there is no such code */
};

enum { HUFFMAN_LITERAL_BITS = 11, HUFFMAN_DISTANCE_BITS = 8, HUFFMAN_LENGTH_BITS = 7, HUFFMAN_CODE_MAX = 15, HUFFMAN_SYMBOLS_MAX = 288 };
/* The most entries that a complete code of 288 or 32 symbols of at most 15 bits takes, with these first tables (zlib's examples/enough.c counts them). */
enum { HUFFMAN_LITERAL_ENTRIES = 2342, HUFFMAN_DISTANCE_ENTRIES = 402 };

static inline unsigned int huffman_length(uint32_t entry) { return entry & 15; }
static inline unsigned int huffman_extra(uint32_t entry) { return entry >> 4 & 15; }
static inline enum huffman_kind huffman_kind(uint32_t entry) { return (enum huffman_kind)(entry >> 8 & 3); }
static inline uint32_t huffman_value(uint32_t entry) { return entry >> 16; }
static inline uint32_t huffman_entry(enum huffman_kind kind, unsigned int extra, uint32_t value) { return value << 16 | (uint32_t)kind << 8 | extra << 4; }

/** How much of a code may be missing; zlib takes the same. */
enum huffman_lack {
    HUFFMAN_COMPLETE,
    HUFFMAN_ONE,         /**< there may be only one symbol, of one bit */
    HUFFMAN_ONE_OR_NONE, /**< a block without any match has no distances */
};

/** Where to put a table, and what its symbols mean. */
struct huffman {
    uint32_t *table;
    size_t entries; /**< how many there is room for */
    unsigned int bits; /**< of the first table */
    uint32_t (*meaning)(size_t symbol); /**< its entry, without the length of the code */
    enum huffman_lack may_lack;
};

/** Makes the table of the code in which symbol i has `lengths[i]` bits (0: it is not there). False when that is no code of deflate. */
bool huffman_make(const struct huffman *huffman, const uint8_t *lengths, size_t symbols);

#endif
