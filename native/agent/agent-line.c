#include "agent/agent-line.h"

#include "base/span.h"

#include <string.h>

static enum agent_line_kind kind_of(struct span verb) {
    return span_equal(verb, "begin") ? AGENT_LINE_BEGIN : span_equal(verb, "to") ? AGENT_LINE_TO : span_equal(verb, "all") ? AGENT_LINE_ALL : AGENT_LINE_NONE;
}

static bool is_name(struct span text) {
    for (size_t i = 0; i < text.length; i++) {
        char c = text.at[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-') {
            return false;
        }
    }
    return text.length > 0 && text.length <= SHIM_NAME_MAX;
}

const char *agent_line_read(const char *text, size_t length, struct agent_line *line) {
    static const char *const forms[] = {[AGENT_LINE_BEGIN] = "it is not `begin NAME WORD… <`", [AGENT_LINE_TO] = "it is not `to NAME LINE`", [AGENT_LINE_ALL] = "it is not `all LINE`"};
    struct span rest = {text, length};
    struct span word;
    *line = (struct agent_line){0};
    line->kind = span_cut(&rest, ' ', &word) ? kind_of(word) : AGENT_LINE_NONE;
    if (line->kind == AGENT_LINE_NONE) {
        return NULL;
    }
    if (line->kind != AGENT_LINE_ALL) {
        if (!span_cut(&rest, ' ', &word)) {
            return forms[line->kind];
        }
        if (!is_name(word)) {
            return "its name is not 1 to 32 of [a-z0-9-]";
        }
        memcpy(line->name, word.at, word.length);
    }
    line->rest = length - rest.length;
    return rest.length == 0 ? forms[line->kind] : NULL;
}
