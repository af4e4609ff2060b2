#include "hold/address.h"

#include "base/format.h"

/* Not inet_ntop: it brings printf along, floating point and all. */
void address_text(bool six, const uint8_t *address, char out[ADDRESS_TEXT]) {
    size_t length = 0;
    if (!six) {
        format_text(out, ADDRESS_TEXT, "%u.%u.%u.%u", address[0], address[1], address[2], address[3]);
        return;
    }
    for (int i = 0; i < 16; i += 2) {
        length += format_text(out + length, ADDRESS_TEXT - length, i == 0 ? "%llx" : ":%llx", (unsigned long long)(address[i] << 8 | address[i + 1]));
    }
}
