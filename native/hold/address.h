#ifndef NSEXEC_ADDRESS_H
#define NSEXEC_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ADDRESS_TEXT = 40 };

/** An address of 16 bytes, or of 4, as text. Of IPv6 every group is written: whoever reads it compares addresses and not texts. */
void address_text(bool six, const uint8_t *address, char out[ADDRESS_TEXT]);

#endif
