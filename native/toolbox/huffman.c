#include "toolbox/huffman.h"

struct making {
    const struct huffman *of;
    uint16_t count[HUFFMAN_CODE_MAX + 1]; /**< of each length, those not yet in the table */
    uint16_t sorted[HUFFMAN_SYMBOLS_MAX]; /**< symbols by length, then by number */
    size_t used;                          /**< symbols with a code */
    size_t second, second_bits;           /**< the second table that is being filled */
    size_t end;                           /**< of the tables so far */
};

/** Each code stands for 2^-length of all there is. */
static bool is_code(const struct making *making) {
    long left = 1;
    for (size_t length = 1; length <= HUFFMAN_CODE_MAX; length++) {
        left = left * 2 - making->count[length];
        if (left < 0) {
            return false;
        }
    }
    bool is_one = making->used == 1 && making->count[1] == 1;
    return left == 0 || (is_one && making->of->may_lack != HUFFMAN_COMPLETE) || (making->used == 0 && making->of->may_lack == HUFFMAN_ONE_OR_NONE);
}

static void sort(struct making *making, const uint8_t *lengths, size_t symbols) {
    uint16_t at[HUFFMAN_CODE_MAX + 2] = {0};
    for (size_t i = 0; i < symbols; i++) {
        making->count[lengths[i]]++;
    }
    making->used = symbols - making->count[0];
    making->count[0] = 0;
    for (size_t length = 1; length <= HUFFMAN_CODE_MAX; length++) {
        at[length + 1] = (uint16_t)(at[length] + making->count[length]);
    }
    for (size_t i = 0; i < symbols; i++) {
        if (lengths[i] != 0) {
            making->sorted[at[lengths[i]]++] = (uint16_t)i;
        }
    }
}

/** The second table of codes that begin as this one: it is so large that the codes which are left fill it. */
static bool open_second(struct making *making, size_t code, size_t length) {
    size_t first = making->of->bits;
    size_t bits = length - first;
    long room = (long)1 << bits;
    while (bits + first < HUFFMAN_CODE_MAX) {
        room -= making->count[bits + first];
        if (room <= 0) {
            break;
        }
        bits++;
        room *= 2;
    }
    if (making->end + ((size_t)1 << bits) > making->of->entries) {
        return false;
    }
    making->second = making->end;
    making->second_bits = bits;
    making->end += (size_t)1 << bits;
    making->of->table[code & (((size_t)1 << first) - 1)] = huffman_entry(HUFFMAN_TABLE, (unsigned int)bits, (uint32_t)making->second);
    return true;
}

static void fill(uint32_t *table, size_t bits, size_t code, size_t step, uint32_t entry) {
    for (size_t i = code; i < (size_t)1 << bits; i += (size_t)1 << step) {
        table[i] = entry;
    }
}

/** The next code of this length, whose first bit is the least significant. */
static size_t next_code(size_t code, size_t length) {
    size_t bit = (size_t)1 << (length - 1);
    while ((code & bit) != 0) {
        bit >>= 1;
    }
    return bit == 0 ? 0 : (code & (bit - 1)) + bit;
}

bool huffman_make(const struct huffman *huffman, const uint8_t *lengths, size_t symbols) {
    struct making making = {.of = huffman, .end = (size_t)1 << huffman->bits};
    const uint32_t none = huffman_entry(HUFFMAN_END, 0, 1) | 1;
    size_t first = huffman->bits;
    size_t code = 0;
    size_t begun = SIZE_MAX; /* The first bits of the codes in the second table. */
    sort(&making, lengths, symbols);
    if (!is_code(&making)) {
        return false;
    }
    for (size_t i = 0; i < making.end; i++) {
        huffman->table[i] = none;
    }
    for (size_t i = 0; i < making.used; i++) {
        size_t length = lengths[making.sorted[i]];
        uint32_t entry = huffman->meaning(making.sorted[i]) | (uint32_t)length;
        if (length <= first) {
            fill(huffman->table, first, code, length, entry);
        } else {
            size_t beginning = code & (((size_t)1 << first) - 1);
            if (beginning != begun && !open_second(&making, code, length)) {
                return false;
            }
            begun = beginning;
            fill(huffman->table + making.second, making.second_bits, code >> first, length - first, entry);
        }
        making.count[length]--;
        code = next_code(code, length);
    }
    return true;
}
