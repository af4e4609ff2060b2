#include "toolbox/crc32.h"

void crc32_begin(struct crc32 *crc) {
    crc->value = 0;
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t value = byte;
        for (int bit = 0; bit < 8; bit++) {
            value = value >> 1 ^ (0xedb88320 & (0 - (value & 1)));
        }
        crc->table[0][byte] = value;
    }
    for (size_t byte = 0; byte < 256; byte++) {
        for (size_t more = 1; more < 8; more++) {
            uint32_t before = crc->table[more - 1][byte];
            crc->table[more][byte] = before >> 8 ^ crc->table[0][before & 0xff];
        }
    }
}

void crc32_add(struct crc32 *crc, const uint8_t *bytes, size_t length) {
    uint32_t value = ~crc->value;
    const uint32_t(*table)[256] = (const uint32_t(*)[256])crc->table;
    for (; length >= 8; bytes += 8, length -= 8) {
        uint32_t low = value ^ ((uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24);
        value = table[7][low & 0xff] ^ table[6][low >> 8 & 0xff] ^ table[5][low >> 16 & 0xff] ^ table[4][low >> 24] ^ table[3][bytes[4]] ^ table[2][bytes[5]] ^ table[1][bytes[6]] ^ table[0][bytes[7]];
    }
    for (; length > 0; bytes++, length--) {
        value = value >> 8 ^ table[0][(value ^ *bytes) & 0xff];
    }
    crc->value = ~value;
}
