#ifndef NSEXEC_BASE64_H
#define NSEXEC_BASE64_H

#include "base/span.h"

/**
 * Decodes base64 (RFC 4648, section 4) of whole groups of four, padded, with no other byte in it and no bit set that does not count: what was encoded is
 * written in one way only. How many bytes it has, which are in `out`; -1 where it is not that, or has more than `size`.
 */
long base64_decode(struct span text, uint8_t *out, size_t size);

#endif
