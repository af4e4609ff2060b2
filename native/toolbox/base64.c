#include "toolbox/base64.h"

/** Its six bits, or -1. */
static int digit(char c) {
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/** The 24 bits of a group of which `digits` are digits; -1 where one is none. */
static long group(const char *at, size_t digits) {
    long bits = 0;
    for (size_t i = 0; i < 4; i++) {
        int value = i < digits ? digit(at[i]) : 0;
        if (value < 0) {
            return -1;
        }
        bits = bits * 64 + value;
    }
    return bits;
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
        long bits = group(four, 4 - padding);
        if (bits < 0 || size - length < bytes || (bits & ((1L << (8 * padding)) - 1)) != 0) {
            return -1;
        }
        for (size_t i = 0; i < bytes; i++) {
            out[length++] = (uint8_t)(bits >> (16 - 8 * i));
        }
    }
    return (long)length;
}
