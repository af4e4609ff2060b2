#include "base/json.h"

#include <stdlib.h>
#include <string.h>

static const char digits[] = "0123456789abcdef";

void json_free(struct json *json) {
    free(json->text);
    *json = (struct json){0};
}

void json_raw(struct json *json, const char *text, size_t length) {
    if (length == 0) {
        return;
    }
    if (json->room - json->length < length) {
        size_t room = (json->room + length) * 2 + 512;
        char *grown = realloc(json->text, room);
        if (grown == NULL) {
            json->failed = true;
            return;
        }
        json->text = grown;
        json->room = room;
    }
    memcpy(json->text + json->length, text, length);
    json->length += length;
}

static void put(struct json *json, char byte) { json_raw(json, &byte, 1); }

/** The length of the UTF-8 sequence at the beginning, 0 when it is not one (overlong, surrogate, cut off). RFC 3629 */
static size_t sequence_length(const unsigned char *at, size_t left) {
    static const struct {
        unsigned char first_low, first_high, second_low, second_high, length;
    } forms[] = {{0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
                 {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (at[0] >= forms[i].first_low && at[0] <= forms[i].first_high && left >= forms[i].length) {
            bool good = at[1] >= forms[i].second_low && at[1] <= forms[i].second_high;
            for (size_t k = 2; k < forms[i].length; k++) {
                good = good && (at[k] & 0xc0) == 0x80;
            }
            if (good) {
                return forms[i].length;
            }
        }
    }
    return 0;
}

static void put_escaped(struct json *json, const char *value, size_t length) {
    put(json, '"');
    for (size_t i = 0; i < length;) {
        unsigned char byte = (unsigned char)value[i];
        size_t step = 1;
        if (byte == '"' || byte == '\\') {
            put(json, '\\');
            put(json, (char)byte);
        } else if (byte == '\n') {
            json_raw(json, "\\n", 2);
        } else if (byte < 0x20 || byte == 0x7f) {
            const char escape[] = {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]};
            json_raw(json, escape, sizeof escape);
        } else if (byte < 0x80) {
            put(json, (char)byte);
        } else {
            step = sequence_length((const unsigned char *)value + i, length - i);
            if (step == 0) {
                json_raw(json, "\\ufffd", 6);
                step = 1;
            } else {
                json_raw(json, value + i, step);
            }
        }
        i += step;
    }
    put(json, '"');
}

static void put_key(struct json *json, const char *key) {
    bool first = json->length == 0 || json->text[json->length - 1] == '{' || json->text[json->length - 1] == '[';
    if (!first) {
        put(json, ',');
    }
    if (key != NULL) {
        put_escaped(json, key, strlen(key));
        put(json, ':');
    }
}

void json_open(struct json *json, const char *key, char bracket) {
    if (json->length > 0) {
        put_key(json, key);
    }
    put(json, bracket);
}

void json_close(struct json *json, char bracket) { put(json, bracket); }

static void put_unsigned(struct json *json, uint64_t value) {
    char text[20];
    size_t at = sizeof text;
    do {
        text[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    json_raw(json, text + at, sizeof text - at);
}

void json_unsigned(struct json *json, const char *key, uint64_t value) {
    put_key(json, key);
    put_unsigned(json, value);
}

void json_number(struct json *json, const char *key, int64_t value) {
    put_key(json, key);
    if (value < 0) {
        put(json, '-');
    }
    put_unsigned(json, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void json_bool(struct json *json, const char *key, bool value) {
    put_key(json, key);
    json_raw(json, value ? "true" : "false", value ? 4 : 5);
}

void json_bytes(struct json *json, const char *key, const char *value, size_t length) {
    put_key(json, key);
    put_escaped(json, value, length);
}

void json_string(struct json *json, const char *key, const char *value) { json_bytes(json, key, value, strlen(value)); }

void json_set(struct json *json, const char *key, uint64_t value) {
    char text[16];
    for (int i = 0; i < 16; i++) {
        text[i] = digits[value >> (60 - 4 * i) & 15];
    }
    json_bytes(json, key, text, sizeof text);
}
