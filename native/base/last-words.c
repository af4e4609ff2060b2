#include "base/last-words.h"

#include "base/format.h"
#include "base/span.h"

#include <string.h>

/** How many bytes belong together: an escape, or a character in UTF-8. */
static size_t step_of(const char *at, size_t left) {
    size_t step = 1;
    if (*at == '\\') {
        step = left > 1 && at[1] == 'u' ? 6 : 2;
    } else if (((unsigned char)*at & 0xc0) == 0xc0) {
        step = (unsigned char)*at >= 0xf0 ? 4 : (unsigned char)*at >= 0xe0 ? 3 : 2;
    }
    return step;
}

/** The string behind `key`, which is written as `,"KEY":"`: with its quotes it is in no string. As much of it as there is room for; false when there is none. */
static bool read_string(const char *line, size_t length, const char *key, char *out, size_t size) {
    const char *at = span_find((struct span){line, length}, key);
    size_t used = 0;
    out[0] = '\0';
    if (at == NULL) {
        return false;
    }
    at += strlen(key);
    for (size_t left = length - (size_t)(at - line); left > 0 && *at != '"';) {
        size_t step = step_of(at, left);
        if (step > left || used + step >= size) {
            break;
        }
        memcpy(out + used, at, step);
        used += step;
        at += step;
        left -= step;
    }
    out[used] = '\0';
    return true;
}

bool last_words_read(struct last_words *words, const char *line, size_t length) {
    char state[16];
    if (span_starts((struct span){line, length}, "{\"event\":\"reverted\"")) {
        bool differs = span_find((struct span){line, length}, ",\"differs\":[\"") != NULL;
        words->end = END_REVERTED;
        format_text(words->code, sizeof words->code, "%s", differs ? "differs" : "");
        format_text(words->message, sizeof words->message, "%s", differs ? "something does not read as before" : "");
        return true;
    }
    if (!span_starts((struct span){line, length}, "{\"event\":\"error\"")) {
        return false;
    }
    (void)read_string(line, length, ",\"code\":\"", words->code, sizeof words->code);
    (void)read_string(line, length, ",\"message\":\"", words->message, sizeof words->message);
    (void)read_string(line, length, ",\"state\":\"", state, sizeof state);
    words->end = strcmp(state, "unchanged") == 0 ? END_UNCHANGED : strcmp(state, "reverted") == 0 ? END_REVERTED : END_UNKNOWN;
    return true;
}

void last_words_take_ended(struct last_words *words, const char *line, size_t length) {
    static const char key[] = ",\"reason\":\"";
    const char *at = span_find((struct span){line, length}, key);
    if (at == NULL || line[length - 1] != '}' || (size_t)(line + length - at) - 2 >= sizeof words->ended) {
        return;
    }
    size_t members = (size_t)(line + length - at) - 2; /* Without the comma and the brace. */
    memcpy(words->ended, at + 1, members);
    words->ended[members] = '\0';
}

bool last_words_are_early(const struct last_words *words) {
    static const char *const due[] = {"\"reason\":\"deadline\"", "\"reason\":\"stopped\""};
    const struct span ended = {words->ended, strlen(words->ended)};
    return ended.length > 0 && !span_starts(ended, due[0]) && !span_starts(ended, due[1]);
}

void last_words_put_ended(const struct last_words *words, struct json *out) {
    if (words->ended[0] != '\0') {
        json_raw(out, ",\"ended\":{", strlen(",\"ended\":{"));
        json_raw(out, words->ended, strlen(words->ended));
        json_raw(out, "}", 1);
    }
}

const char *end_name(enum end end) { return end == END_REVERTED ? "reverted" : end == END_UNCHANGED ? "unchanged" : "unknown"; }

static void put_string(struct json *out, const char *key, const char *escaped) {
    json_raw(out, key, strlen(key));
    json_raw(out, escaped, strlen(escaped));
    json_raw(out, "\"", 1);
}

void last_words_write(const struct last_words *words, const char *name, struct json *out) {
    put_string(out, "{\"target\":\"", name);
    put_string(out, ",\"end\":\"", end_name(words->end));
    if (words->code[0] != '\0') {
        put_string(out, ",\"code\":\"", words->code);
        put_string(out, ",\"message\":\"", words->message);
    }
    if (last_words_are_early(words)) {
        last_words_put_ended(words, out);
    }
    json_raw(out, "}\n", 2);
}
