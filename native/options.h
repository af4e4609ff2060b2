#ifndef NSEXEC_OPTIONS_H
#define NSEXEC_OPTIONS_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A fault of the network takes three. */
enum { TOOLS_MAX = 8 };

enum command { COMMAND_NONE, COMMAND_INSPECT, COMMAND_RUN, COMMAND_HOLD, COMMAND_SWEEP, COMMAND_AGENT, COMMAND_VERSION };

/** The command line, checked; README has the ranges. Strings are the caller's argv. */
struct options {
    enum command command;
    const char *container; /**< NULL when the target is named by pid */
    pid_t pid;             /**< 0 when it is named by container */
    int64_t duration_ms, lease_ms, grace_ms, sample_ms, scratch_bytes, oom_score_adj;
    bool has_oom_score_adj, as_root, remove, strict, allow_host_network, target_may_end, toolbox, any_signal, freeze, stop;
    const char *need; /**< comma-separated, or "" */
    const char *termination_log;
    const char **environment; /**< NAME=VALUE of every --env, NULL-terminated; owned */
    const char **tools;       /**< of every --tool, NULL-terminated; owned */
    const char **orders;      /**< of every --order, NULL-terminated; owned; NULL: all that is heard comes on stdin */
    char **program;           /**< argv after `--`, NULL-terminated */
    const char *path;         /**< NULL: none is looked at */
    const char *directory;    /**< NULL: the workload gets none in `path` */
    int64_t probe_write_bytes, probe_write_block, probe_read_bytes, probe_read_block; /**< 0 bytes: not measured; else whole blocks */
    int64_t probe_ms;
    const char *match;        /**< the pattern of the processes that are meant (proc/pattern.h); NULL: none was given */
};

/** 0, or -1 with code `usage` and a text that names the option. */
int options_parse(struct options *options, char **argv, struct error *err);

void options_free(struct options *options);

#endif
