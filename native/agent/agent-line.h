#ifndef NSEXEC_AGENT_LINE_H
#define NSEXEC_AGENT_LINE_H

#include <stddef.h>

enum { SHIM_NAME_MAX = 32 };

/* What stands in front of a line for a shim: `to `, a name, a blank. */
enum { AGENT_PREFIX_MAX = 3 + SHIM_NAME_MAX + 1 };

enum agent_line_kind {
    AGENT_LINE_NONE,  /**< a line that is none of these */
    AGENT_LINE_BEGIN, /**< `begin NAME WORD… <` */
    AGENT_LINE_TO,    /**< `to NAME LINE` */
    AGENT_LINE_ALL,   /**< `all LINE` */
};

/** A line on the stdin of an agent (README, "agent"). */
struct agent_line {
    enum agent_line_kind kind;
    char name[SHIM_NAME_MAX + 1]; /**< of `begin` and `to` */
    size_t rest;                  /**< where what follows begins: of `begin` the words, else the line; never empty */
};

/** NULL, or why the line is not taken; then only `kind` is to be used. */
const char *agent_line_read(const char *text, size_t length, struct agent_line *line);

#endif
