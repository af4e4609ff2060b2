#include "hold/segment.h"

#include <string.h>

enum { PROTOCOL_TCP = 6, TCP_HEADER = 20, IPV4_HEADER = 20, IPV6_HEADER = 40, EXTENSIONS_MAX = 8 };
/* RFC 8200 section 4, RFC 4302. */
enum { EXTENSION_HOP_BY_HOP = 0, EXTENSION_ROUTING = 43, EXTENSION_FRAGMENT = 44, EXTENSION_AUTHENTICATION = 51, EXTENSION_DESTINATION = 60 };
enum { TCP_SYN = 0x02, TCP_ACK = 0x10 };

static uint16_t word_at(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }

/** What the header says of the length, where that is less: a short frame is padded. 0 is said of what the kernel has joined to more than 64 KiB. */
static size_t trimmed(size_t length, size_t said) { return said > 0 && said < length ? said : length; }

/** Where TCP begins; 0: this is none, or not the first fragment of it. */
static size_t after_ipv4(const uint8_t *packet, size_t *length) {
    size_t header = 4 * (size_t)(packet[0] & 0x0f);
    if (*length < IPV4_HEADER || header < IPV4_HEADER || packet[9] != PROTOCOL_TCP || (word_at(packet + 6) & 0x1fff) != 0) {
        return 0;
    }
    *length = trimmed(*length, word_at(packet + 2));
    return header;
}

/** The length of an extension header; 0: what stands there is none that TCP may stand behind. */
static size_t extension_length(uint8_t kind, const uint8_t *at) {
    switch (kind) {
    case EXTENSION_HOP_BY_HOP:
    case EXTENSION_ROUTING:
    case EXTENSION_DESTINATION:
        return 8 * ((size_t)at[1] + 1);
    case EXTENSION_AUTHENTICATION:
        return 4 * ((size_t)at[1] + 2);
    case EXTENSION_FRAGMENT:
        return (word_at(at + 2) & 0xfff8) == 0 ? 8 : 0;
    default:
        return 0;
    }
}

static size_t after_ipv6(const uint8_t *packet, size_t *length) {
    if (*length < IPV6_HEADER) {
        return 0;
    }
    size_t said = word_at(packet + 4);
    *length = trimmed(*length, said == 0 ? 0 : said + IPV6_HEADER);
    uint8_t next = packet[6];
    size_t at = IPV6_HEADER;
    for (int i = 0; i < EXTENSIONS_MAX && next != PROTOCOL_TCP; i++) {
        size_t header = at + 8 <= *length ? extension_length(next, packet + at) : 0;
        if (header == 0) {
            return 0;
        }
        next = packet[at];
        at += header;
    }
    return next == PROTOCOL_TCP ? at : 0;
}

bool segment_parse(struct segment *segment, const uint8_t *packet, size_t length) {
    int version = length == 0 ? 0 : packet[0] >> 4;
    size_t at = version == 4 ? after_ipv4(packet, &length) : version == 6 ? after_ipv6(packet, &length) : 0;
    if (at == 0 || at + TCP_HEADER > length) {
        return false;
    }
    const uint8_t *tcp = packet + at;
    size_t header = 4 * (size_t)(tcp[12] >> 4);
    if (header < TCP_HEADER || at + header > length) {
        return false;
    }
    *segment = (struct segment){
        .six = version == 6,
        .source = packet + (version == 6 ? 8 : 12),
        .port = word_at(tcp + 2),
        .opens = (tcp[13] & (TCP_SYN | TCP_ACK)) == TCP_SYN,
        .data = tcp + header,
        .length = length - at - header,
    };
    return true;
}

/** Whether `text` begins so, whatever the case of its letters; `start` is lower-case. */
static bool starts_with(const uint8_t *text, size_t length, const char *start) {
    size_t wanted = strlen(start);
    for (size_t i = 0; i < wanted; i++) {
        if (i >= length || (text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]) != start[i]) {
            return false;
        }
    }
    return true;
}

bool segment_is_kube_probe(const struct segment *segment) {
    static const char name[] = "user-agent:";
    const uint8_t *line = segment->data;
    const uint8_t *end = segment->data + segment->length;
    if (segment->length < 4 || memcmp(line, "GET ", 4) != 0) {
        return false;
    }
    while (line < end && *line != '\r' && *line != '\n') {
        if (starts_with(line, (size_t)(end - line), name)) {
            const uint8_t *value = line + sizeof name - 1;
            while (value < end && *value == ' ') {
                value++;
            }
            return starts_with(value, (size_t)(end - value), "kube-probe/");
        }
        const uint8_t *newline = memchr(line, '\n', (size_t)(end - line));
        line = newline == NULL ? end : newline + 1;
    }
    return false;
}
