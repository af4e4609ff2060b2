#ifndef NSEXEC_JSON_H
#define NSEXEC_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A JSON text that grows. When memory runs out it stays as it was and `failed` is set. All zero at the beginning. */
struct json {
    char *text;
    size_t length, room;
    bool failed;
};

void json_free(struct json *json);
#define cleanup_json __attribute__((cleanup(json_free)))

/** Opens `{` or `[`, as a member named `key` or, with NULL, as an item; json_close takes `}` or `]`. */
void json_open(struct json *json, const char *key, char bracket);
void json_close(struct json *json, char bracket);
void json_number(struct json *json, const char *key, int64_t value);
void json_unsigned(struct json *json, const char *key, uint64_t value);
void json_bool(struct json *json, const char *key, bool value);
/** A string of any bytes: what is not UTF-8 becomes U+FFFD, so that the line is valid JSON whatever the target calls itself. */
void json_string(struct json *json, const char *key, const char *value);
void json_bytes(struct json *json, const char *key, const char *value, size_t length);
/** A capability set as /proc/PID/status writes it: 16 hexadecimal digits. */
void json_set(struct json *json, const char *key, uint64_t value);
void json_raw(struct json *json, const char *text, size_t length);

#endif
