/* What an agent reads: the lines of its client, the words of those that begin a shim, and how a shim's last event says that it has ended. */
#include "agent/agent-line.h"
#include "base/last-words.h"
#include "base/words.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WORDS = 128 };

/* The same, told from the whole line. */
static bool is_verb(const char *line, size_t size, const char *verb) {
    size_t length = strlen(verb);
    return size >= length && memcmp(line, verb, length) == 0 && (size == length || line[length] == ' ');
}

static size_t name_length(const char *at, size_t left) {
    size_t length = 0;
    while (length < left && at[length] != '\0' && strchr("abcdefghijklmnopqrstuvwxyz0123456789-", at[length]) != NULL) {
        length++;
    }
    return length;
}

static void check_line(const char *text, size_t size) {
    struct agent_line line;
    const char *why = agent_line_read(text, size, &line);
    bool named = is_verb(text, size, "begin") || is_verb(text, size, "to");
    assert((line.kind == AGENT_LINE_NONE) == (!named && !is_verb(text, size, "all")));
    if (line.kind == AGENT_LINE_NONE) {
        assert(why == NULL);
        return;
    }
    size_t begin = line.kind == AGENT_LINE_BEGIN ? strlen("begin ") : line.kind == AGENT_LINE_TO ? strlen("to ") : strlen("all ");
    size_t name = named && begin < size ? name_length(text + begin, size - begin) : 0;
    bool good = !named || (name > 0 && name <= SHIM_NAME_MAX && begin + name < size && text[begin + name] == ' ');
    size_t rest = named ? begin + name + 1 : begin;
    assert((why == NULL) == (good && rest < size));
    if (why == NULL) {
        assert(line.rest == rest);
        assert(!named || (strlen(line.name) == name && memcmp(line.name, text + begin, name) == 0));
    }
}

static size_t count_words(char *line, size_t size) {
    char *argv[WORDS + 1];
    size_t count = words_parse_argv(argv, WORDS, line, size);
    for (size_t i = 0; i < count; i++) {
        assert(argv[i] >= line && argv[i] + strlen(argv[i]) < line + size && argv[i][0] != '\0');
    }
    assert(argv[count] == NULL);
    return count;
}

/* A line that was cut off anywhere is none. */
static void check_words(const char *text, size_t size) {
    char *line = malloc(size + 1);
    memcpy(line, text, size);
    line[size] = '\0';
    size_t count = count_words(line, size);
    for (size_t cut = size < 64 ? size : 64; count > 0 && cut > 0; cut--) {
        memcpy(line, text, size - cut);
        line[size - cut] = '\0';
        assert(count_words(line, size - cut) == 0);
    }
    free(line);
}

static void check_last_words(const char *text, size_t size) {
    struct last_words words = {0};
    struct json out = {0};
    last_words_take_ended(&words, text, size);
    assert(strlen(words.ended) < sizeof words.ended);
    if (!last_words_read(&words, text, size)) {
        return;
    }
    assert(strlen(words.code) < sizeof words.code && strlen(words.message) < sizeof words.message);
    last_words_write(&words, "web-0", &out);
    assert(out.length > 0 && out.text[out.length - 1] == '\n');
    json_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    /* Not terminated: nothing may be read behind it. */
    char *text = malloc(size + 1);
    char *exact = size > 0 ? realloc(text, size) : text;
    if (size > 0) {
        memcpy(exact, data, size);
        check_line(exact, size);
        check_words(exact, size);
    }
    check_last_words(exact, size);
    free(exact);
    return 0;
}
