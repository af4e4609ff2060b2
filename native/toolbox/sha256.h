#ifndef NSEXEC_SHA256_H
#define NSEXEC_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_BYTES = 32, SHA256_BLOCK = 64 };

/** SHA-256 (FIPS 180-4) of what is added piece by piece. */
struct sha256 {
    uint32_t state[8];
    uint64_t length; /**< bytes so far */
    uint8_t block[SHA256_BLOCK];
};

void sha256_begin(struct sha256 *sha);
void sha256_add(struct sha256 *sha, const uint8_t *bytes, size_t length);
/** The sum of all of it. Nothing can be added afterwards. */
void sha256_end(struct sha256 *sha, uint8_t sum[SHA256_BYTES]);

#endif
