#include "toolbox/sha256.h"

#include <string.h>

/* The fractional parts of the cube roots of the first 64 primes: FIPS 180-4, 4.2.2. */
static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t turn(uint32_t word, unsigned int by) { return word >> by | word << (32 - by); }

static void add_block(uint32_t state[8], const uint8_t *block) {
    uint32_t schedule[64];
    for (size_t i = 0; i < 16; i++) {
        schedule[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    }
    for (size_t i = 16; i < 64; i++) {
        uint32_t near = schedule[i - 2];
        uint32_t far = schedule[i - 15];
        schedule[i] = schedule[i - 16] + (turn(far, 7) ^ turn(far, 18) ^ far >> 3) + schedule[i - 7] + (turn(near, 17) ^ turn(near, 19) ^ near >> 10);
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
    for (size_t i = 0; i < 64; i++) {
        uint32_t one = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + constants[i] + schedule[i];
        uint32_t two = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        h = g;
        g = f;
        f = e;
        e = d + one;
        d = c;
        c = b;
        b = a;
        a = one + two;
    }
    const uint32_t worked[8] = {a, b, c, d, e, f, g, h};
    for (size_t i = 0; i < 8; i++) {
        state[i] += worked[i];
    }
}

void sha256_begin(struct sha256 *sha) {
    static const uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    *sha = (struct sha256){0};
    memcpy(sha->state, initial, sizeof initial);
}

void sha256_add(struct sha256 *sha, const uint8_t *bytes, size_t length) {
    size_t filled = sha->length % SHA256_BLOCK;
    sha->length += length;
    while (length > 0) {
        if (filled == 0 && length >= SHA256_BLOCK) {
            add_block(sha->state, bytes);
            bytes += SHA256_BLOCK;
            length -= SHA256_BLOCK;
            continue;
        }
        size_t taken = length < SHA256_BLOCK - filled ? length : SHA256_BLOCK - filled;
        memcpy(sha->block + filled, bytes, taken);
        bytes += taken;
        length -= taken;
        filled = (filled + taken) % SHA256_BLOCK;
        if (filled == 0) {
            add_block(sha->state, sha->block);
        }
    }
}

void sha256_end(struct sha256 *sha, uint8_t sum[SHA256_BYTES]) {
    static const uint8_t padding[SHA256_BLOCK] = {0x80};
    uint64_t bits = sha->length * 8;
    size_t filled = sha->length % SHA256_BLOCK;
    uint8_t length[8];
    for (size_t i = 0; i < sizeof length; i++) {
        length[i] = (uint8_t)(bits >> (56 - 8 * i));
    }
    sha256_add(sha, padding, (filled < 56 ? 56 : 56 + SHA256_BLOCK) - filled);
    sha256_add(sha, length, sizeof length);
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        sum[i] = (uint8_t)(sha->state[i / 4] >> (24 - 8 * (i % 4)));
    }
}
