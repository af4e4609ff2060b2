#ifndef NSEXEC_CRC32_H
#define NSEXEC_CRC32_H

#include <stddef.h>
#include <stdint.h>

/** The CRC-32 of gzip (RFC 1952, section 8), eight bytes at a time: `table[k][b]` is what byte b becomes when k more have passed. */
struct crc32 {
    uint32_t value; /**< of all that has been added */
    uint32_t table[8][256];
};

void crc32_begin(struct crc32 *crc);
void crc32_add(struct crc32 *crc, const uint8_t *bytes, size_t length);

#endif
