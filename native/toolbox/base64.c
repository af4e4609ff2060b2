#include "toolbox/base64.h"

/* The six bits of each digit from `+` to `z`; -1: it is none. */
static const signed char digits[] = {62, -1, -1, -1, 63, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, -1, -1, -1, -1, -1, -1, -1, 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17,
                                     18, 19, 20, 21, 22, 23, 24, 25, -1, -1, -1, -1, -1, -1, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51};

static inline long digit(char c) {
    unsigned int index = (unsigned int)(unsigned char)c - '+';
    return index < sizeof digits ? digits[index] : -1;
}

/** The 24 bits of a group of which the last so many are padding; negative where a digit is none. */
static inline long group(const char *four, size_t padding) {
    long first = digit(four[0]);
    long second = digit(four[1]);
    long third = padding > 1 ? 0 : digit(four[2]);
    long fourth = padding > 0 ? 0 : digit(four[3]);
    return (first | second | third | fourth) < 0 ? -1 : first << 18 | second << 12 | third << 6 | fourth;
}

long base64_decode(struct span text, uint8_t *out, size_t size) {
    size_t length = 0;
    if (text.length % 4 != 0) {
        return -1;
    }
    for (size_t at = 0; at < text.length; at += 4) {
        const char *four = text.at + at;
        bool last = at + 4 == text.length;
        size_t padding = last && four[3] == '=' ? 1 + (four[2] == '=' ? 1 : 0) : 0;
        size_t bytes = 3 - padding;
        long bits = group(four, padding);
        if (bits < 0 || size - length < bytes || (bits & ((1L << (8 * padding)) - 1)) != 0) {
            return -1;
        }
        for (int shift = 16; bytes > 0; shift -= 8, bytes--) {
            out[length++] = (uint8_t)(bits >> shift);
        }
    }
    return (long)length;
}
