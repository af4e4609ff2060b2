#include "options.h"

#include "base/events.h"
#include "base/span.h"
#include "proc/pattern.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum kind { NUMBER, TEXT, FLAG, CONTAINER, PID, AS, OOM, ENVIRONMENT, TOOL, ORDER, NEED, DIRECTORY_PATH, DIRECTORY_NAME, PROBE, MATCH };

enum { PATH_MAX_BYTES = 4095, DIRECTORY_MAX_BYTES = 64, PROBE_MAX_BYTES = 64 << 20, PROBE_UNIT = 4096, PROBE_MAX_BLOCK = 1 << 20 };

/** Which commands take an option. */
enum owner { OF_TARGET, RUN, HOLD, RUN_AND_HOLD, RUN_HOLD_AND_AGENT, SWEEP, ALL_BUT_INSPECT };

/** One option: where its value goes and what it may be. */
struct option {
    const char *name;
    enum kind kind;
    int64_t low, high;
    int64_t *number;
    const char **text;
    enum owner owner;
    bool *flag;
};

static int parse_number(const struct option *option, const char *value, int64_t *out, struct error *err) {
    bool negative = value[0] == '-';
    const char *digits = value + (negative ? 1 : 0);
    uint64_t magnitude = 0;
    bool whole = span_number((struct span){digits, strlen(digits)}, &magnitude) && magnitude <= INT64_MAX;
    int64_t number = negative ? -(int64_t)magnitude : (int64_t)magnitude;
    if (!whole || number < option->low || number > option->high) {
        return fail(err, "usage", 0, "%s takes a whole number from %lld to %lld, not `%.64s`", option->name, (long long)option->low, (long long)option->high, value);
    }
    *out = number;
    return 0;
}

static bool is_container_id(const char *value) {
    static const char allowed[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_.-";
    size_t length = strlen(value);
    return length >= 12 && length <= 128 && strspn(value, allowed) == length;
}

/** Of a list that ends with NULL, or is not there yet. */
static size_t count_values(const char *const *list) {
    size_t count = 0;
    while (list != NULL && list[count] != NULL) {
        count++;
    }
    return count;
}

static int add_value(const char ***list, const char *value, struct error *err) {
    size_t count = count_values(*list);
    const char **grown = (const char **)realloc((void *)*list, (count + 2) * sizeof *grown);
    if (grown == NULL) {
        return fail(err, "internal", ENOMEM, "keep the options");
    }
    grown[count] = value;
    grown[count + 1] = NULL;
    *list = grown;
    return 0;
}

static int add_environment(struct options *options, const char *value, struct error *err) {
    const char *equals = strchr(value, '=');
    if (equals == NULL || equals == value) {
        return fail(err, "usage", 0, "--env takes NAME=VALUE, not `%.64s`", value);
    }
    /* These two are how a dynamic program enters the target: a second value would silently leave it outside. */
    if (strncmp(value, "LD_PRELOAD=", 11) == 0 || strncmp(value, "LD_BIND_NOW=", 12) == 0) {
        return fail(err, "usage", 0, "--env cannot set LD_PRELOAD or LD_BIND_NOW, which nsexec needs itself");
    }
    return add_value(&options->environment, value, err);
}

static int add_tool(struct options *options, const char *value, struct error *err) {
    if (value[0] == '\0' || count_values(options->tools) == TOOLS_MAX) {
        return fail(err, "usage", 0, "--tool takes the name of a program, at most %d times", TOOLS_MAX);
    }
    return add_value(&options->tools, value, err);
}

static int add_order(struct options *options, const char *value, struct error *err) {
    if (value[0] == '\0' || strchr(value, '\n') != NULL) {
        return fail(err, "usage", 0, "--order takes one line, without its end");
    }
    return add_value(&options->orders, value, err);
}

/** The list of README: a name that is not in it is a slip of the pen, not a hierarchy that is missing. */
static int check_need(const char *value, struct error *err) {
    static const char *const controllers[] = {"cpu", "cpuacct", "memory", "pids", "blkio", "io", "cpuset"};
    struct span rest = {value, strlen(value)};
    struct span item;
    bool good = rest.length > 0 && value[rest.length - 1] != ',';
    while (good && span_cut(&rest, ',', &item)) {
        good = span_starts(item, "name=") && item.length > strlen("name=");
        for (size_t i = 0; i < sizeof controllers / sizeof *controllers; i++) {
            good = good || span_equal(item, controllers[i]);
        }
    }
    return good ? 0 : fail(err, "usage", 0, "--need takes a list of cpu, cpuacct, memory, pids, blkio, io, cpuset and name=NAME, not `%.128s`", value);
}

static bool is_directory_name(const char *value) {
    static const char prefix[] = ".kubectl-chaos-";
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789.-";
    size_t length = strlen(value);
    return length >= sizeof prefix && length <= DIRECTORY_MAX_BYTES && strncmp(value, prefix, sizeof prefix - 1) == 0 && strspn(value, allowed) == length;
}

/** `BYTES[/BLOCK]`; without BLOCK in as few pieces as can be. */
static bool parse_probe_size(struct span text, int64_t *bytes, int64_t *block) {
    struct span whole;
    uint64_t total = 0;
    bool split = memchr(text.at, '/', text.length) != NULL;
    if (!span_cut(&text, '/', &whole) || !span_number(whole, &total) || total > PROBE_MAX_BYTES) {
        return false;
    }
    uint64_t piece = total < PROBE_MAX_BLOCK ? total : PROBE_MAX_BLOCK;
    if (split && !span_number(text, &piece)) {
        return false;
    }
    *bytes = (int64_t)total;
    *block = (int64_t)piece;
    bool whole_blocks = piece >= PROBE_UNIT && piece <= PROBE_MAX_BLOCK && piece % PROBE_UNIT == 0 && total % piece == 0;
    return total == 0 ? !split : whole_blocks;
}

/** What is not named is not measured; what is named twice is a slip. */
static int take_probe(struct options *options, const char *value, struct error *err) {
    struct span rest = {value, strlen(value)};
    struct span item;
    bool named[2] = {false, false};
    bool good = rest.length > 0 && value[rest.length - 1] != ',';
    options->probe_write_bytes = 0;
    options->probe_read_bytes = 0;
    while (good && span_cut(&rest, ',', &item)) {
        bool of_write = span_starts(item, "write=");
        size_t prefix = strlen(of_write ? "write=" : "read=");
        good = (of_write || span_starts(item, "read=")) && !named[of_write] &&
               parse_probe_size((struct span){item.at + prefix, item.length - prefix}, of_write ? &options->probe_write_bytes : &options->probe_read_bytes,
                                of_write ? &options->probe_write_block : &options->probe_read_block);
        named[of_write] = true;
    }
    return good ? 0
                : fail(err, "usage", 0, "--probe takes write=BYTES[/BLOCK] and read=BYTES[/BLOCK]: 0, or %d to %d bytes in whole blocks of %d to %d, not `%.64s`", PROBE_UNIT, PROBE_MAX_BYTES,
                       PROBE_UNIT, PROBE_MAX_BLOCK, value);
}

static int take_value(struct options *options, const struct option *option, const char *value, struct error *err) {
    int64_t number = 0;
    switch (option->kind) {
    case CONTAINER:
        if (!is_container_id(value)) {
            return fail(err, "usage", 0, "--container takes 12 to 128 of [0-9a-zA-Z_.-], not `%.140s`", value);
        }
        options->container = value;
        return 0;
    case PID:
        if (parse_number(option, value, &number, err) < 0) {
            return -1;
        }
        options->pid = (pid_t)number;
        return 0;
    case AS:
        if (strcmp(value, "root") != 0 && strcmp(value, "target") != 0) {
            return fail(err, "usage", 0, "--as takes `target` or `root`, not `%.64s`", value);
        }
        options->as_root = value[0] == 'r';
        return 0;
    case OOM:
        options->has_oom_score_adj = true;
        return parse_number(option, value, &options->oom_score_adj, err);
    case NUMBER:
        if (parse_number(option, value, &number, err) < 0) {
            return -1;
        }
        /* 0 means that there is no lease; anything shorter than a second would end a run on a scheduling hiccup. */
        if (option->number == &options->lease_ms && number != 0 && number < 1000) {
            return fail(err, "usage", 0, "--lease-ms takes 0 or a whole number from 1000 to 3600000, not `%.64s`", value);
        }
        *option->number = number;
        return 0;
    case ENVIRONMENT:
        return add_environment(options, value, err);
    case TOOL:
        return add_tool(options, value, err);
    case ORDER:
        return add_order(options, value, err);
    case NEED:
        options->need = value;
        return check_need(value, err);
    case DIRECTORY_PATH:
        if (value[0] != '/' || strlen(value) > PATH_MAX_BYTES) {
            return fail(err, "usage", 0, "--path takes an absolute path of at most %d bytes, not `%.64s`", PATH_MAX_BYTES, value);
        }
        options->path = value;
        return 0;
    case DIRECTORY_NAME:
        if (!is_directory_name(value)) {
            return fail(err, "usage", 0, "--directory takes `.kubectl-chaos-` and more of [a-z0-9.-], at most %d bytes, not `%.80s`", DIRECTORY_MAX_BYTES, value);
        }
        options->directory = value;
        return 0;
    case PROBE:
        return take_probe(options, value, err);
    case MATCH:
        if (value[0] == '\0' || strlen(value) > PATTERN_MAX_BYTES) {
            return fail(err, "usage", 0, "--match takes a pattern of 1 to %d bytes, not `%.140s`", PATTERN_MAX_BYTES, value);
        }
        options->match = value;
        return 0;
    case TEXT:
        *option->text = value;
        return 0;
    case FLAG:
        *option->flag = true;
        return 0;
    }
    return 0;
}

static int check(const struct options *options, struct error *err) {
    if (options->command == COMMAND_SWEEP || options->command == COMMAND_AGENT) {
        return 0;
    }
    if (options->container == NULL && options->pid == 0) {
        return fail(err, "usage", 0, "--container or --pid is needed");
    }
    if (options->container != NULL && options->pid != 0) {
        return fail(err, "usage", 0, "--container and --pid exclude each other");
    }
    bool pausing = options->freeze || options->stop;
    if (options->command == COMMAND_HOLD && options->tools == NULL && options->path == NULL && !pausing && !options->target_may_end) {
        return fail(err, "usage", 0, "hold needs a program to work with, a path, or a pause: --tool PROGRAM, --path PATH, --freeze, --stop, --target-may-end");
    }
    /* A probe is a process in the target's cgroup, and would stand still with it. */
    if (pausing && (options->path != NULL || options->freeze == options->stop)) {
        return fail(err, "usage", 0, "--freeze, --stop and --path exclude each other");
    }
    if (options->stop != (options->match != NULL)) {
        return fail(err, "usage", 0, "%s needs %s", options->stop ? "--stop" : "--match", options->stop ? "--match" : "--stop");
    }
    if (options->command == COMMAND_RUN && (options->program == NULL || options->program[0] == NULL || options->program[0][0] == '\0')) {
        return fail(err, "usage", 0, "run needs a program: `-- PROGRAM ARG…`");
    }
    return 0;
}

/** What says how --path is used means nothing without it: refused, rather than that what was meant is not done. Then the defaults that depend on others. */
static int settle_path(struct options *options, struct error *err) {
    bool probed = options->probe_write_bytes >= 0;
    const char *alone = options->directory != NULL ? "--directory" : probed ? "--probe" : options->probe_ms != 0 ? "--probe-ms" : NULL;
    if (options->path == NULL && alone != NULL) {
        return fail(err, "usage", 0, "%s needs --path", alone);
    }
    if (!probed) {
        options->probe_write_bytes = PROBE_UNIT;
        options->probe_write_block = PROBE_UNIT;
    }
    options->probe_ms = options->probe_ms == 0 ? options->sample_ms : options->probe_ms;
    return 0;
}

static bool belongs(enum owner owner, enum command command) {
    switch (owner) {
    case RUN:
        return command == COMMAND_RUN;
    case HOLD:
        return command == COMMAND_HOLD;
    case RUN_AND_HOLD:
        return command == COMMAND_RUN || command == COMMAND_HOLD;
    case RUN_HOLD_AND_AGENT:
        return command == COMMAND_RUN || command == COMMAND_HOLD || command == COMMAND_AGENT;
    case SWEEP:
        return command == COMMAND_SWEEP;
    case ALL_BUT_INSPECT:
        return command != COMMAND_INSPECT;
    case OF_TARGET:
        return command != COMMAND_SWEEP && command != COMMAND_AGENT;
    }
    return true;
}

/** The value of the option at `argv[*at]`, which may be the next word: then it is passed over. */
static const char *value_of(const struct option *option, char **argv, size_t *at, struct error *err) {
    const char *equals = strchr(argv[*at], '=');
    if (option->kind == FLAG) {
        if (equals != NULL) {
            fail(err, "usage", 0, "%s takes no value", option->name);
        }
        return equals == NULL ? "" : NULL;
    }
    const char *value = equals != NULL ? equals + 1 : argv[++*at];
    if (value == NULL) {
        fail(err, "usage", 0, "%s needs a value", option->name);
    }
    return value;
}

static int parse_options(struct options *options, char **argv, struct error *err) {
    const struct option table[] = {
        {"--container", CONTAINER, 0, 0, NULL, NULL, OF_TARGET, NULL},
        {"--pid", PID, 1, 4194304, NULL, NULL, OF_TARGET, NULL},
        {"--duration-ms", NUMBER, 1, INT64_C(2592000000), &options->duration_ms, NULL, RUN_AND_HOLD, NULL},
        {"--lease-ms", NUMBER, 0, 3600000, &options->lease_ms, NULL, RUN_HOLD_AND_AGENT, NULL},
        {"--grace-ms", NUMBER, 0, 600000, &options->grace_ms, NULL, RUN, NULL},
        {"--sample-ms", NUMBER, 100, 60000, &options->sample_ms, NULL, RUN_AND_HOLD, NULL},
        {"--as", AS, 0, 0, NULL, NULL, RUN_AND_HOLD, NULL},
        {"--need", NEED, 0, 0, NULL, NULL, RUN_AND_HOLD, NULL},
        {"--oom-score-adj", OOM, -1000, 1000, NULL, NULL, RUN, NULL},
        {"--scratch-bytes", NUMBER, 0, INT64_C(1) << 30, &options->scratch_bytes, NULL, RUN, NULL},
        {"--env", ENVIRONMENT, 0, 0, NULL, NULL, RUN, NULL},
        {"--tool", TOOL, 0, 0, NULL, NULL, HOLD, NULL},
        {"--order", ORDER, 0, 0, NULL, NULL, RUN_HOLD_AND_AGENT, NULL},
        {"--path", DIRECTORY_PATH, 0, 0, NULL, NULL, RUN_AND_HOLD, NULL},
        {"--directory", DIRECTORY_NAME, 0, 0, NULL, NULL, RUN, NULL},
        {"--probe", PROBE, 0, 0, NULL, NULL, RUN_AND_HOLD, NULL},
        {"--probe-ms", NUMBER, 100, 60000, &options->probe_ms, NULL, RUN_AND_HOLD, NULL},
        {"--termination-log", TEXT, 0, 0, NULL, &options->termination_log, ALL_BUT_INSPECT, NULL},
        {"--strict", FLAG, 0, 0, NULL, NULL, RUN, &options->strict},
        {"--any-signal", FLAG, 0, 0, NULL, NULL, RUN_HOLD_AND_AGENT, &options->any_signal},
        {"--remove", FLAG, 0, 0, NULL, NULL, SWEEP, &options->remove},
        {"--freeze", FLAG, 0, 0, NULL, NULL, HOLD, &options->freeze},
        {"--stop", FLAG, 0, 0, NULL, NULL, HOLD, &options->stop},
        {"--match", MATCH, 0, 0, NULL, NULL, HOLD, NULL},
        {"--toolbox", FLAG, 0, 0, NULL, NULL, RUN_AND_HOLD, &options->toolbox},
        {"--allow-host-network", FLAG, 0, 0, NULL, NULL, HOLD, &options->allow_host_network},
        {"--target-may-end", FLAG, 0, 0, NULL, NULL, HOLD, &options->target_may_end},
    };
    for (size_t i = 0; argv[i] != NULL; i++) {
        if (strcmp(argv[i], "--") == 0 && options->command == COMMAND_RUN) {
            options->program = argv + i + 1;
            return 0;
        }
        const struct option *found = NULL;
        size_t name_length = strcspn(argv[i], "=");
        for (size_t k = 0; k < sizeof table / sizeof *table; k++) {
            if (strlen(table[k].name) == name_length && strncmp(argv[i], table[k].name, name_length) == 0) {
                found = &table[k];
            }
        }
        if (found == NULL) {
            return fail(err, "usage", 0, "unknown %s `%.64s`", argv[i][0] == '-' ? "option" : "argument", argv[i]);
        }
        static const char *const owners[] = {
            [OF_TARGET] = "`inspect`, `run` and `hold`", [RUN] = "`run`", [HOLD] = "`hold`", [RUN_AND_HOLD] = "`run` and `hold`", [RUN_HOLD_AND_AGENT] = "`run`, `hold` and `agent`",
            [SWEEP] = "`sweep`", [ALL_BUT_INSPECT] = "`run`, `hold`, `sweep` and `agent`",
        };
        if (!belongs(found->owner, options->command)) {
            return fail(err, "usage", 0, "%s is an option of %s", found->name, owners[found->owner]);
        }
        const char *value = value_of(found, argv, &i, err);
        if (value == NULL || take_value(options, found, value, err) < 0) {
            return -1;
        }
    }
    return 0;
}

int options_parse(struct options *options, char **argv, struct error *err) {
    *options = (struct options){
        .duration_ms = 60000,
        .lease_ms = 15000,
        .grace_ms = 2000,
        .sample_ms = 1000,
        .scratch_bytes = INT64_C(16) << 20,
        .need = "",
        .termination_log = TERMINATION_LOG,
        .probe_write_bytes = -1,
    };
    const char *command = argv[0] == NULL ? NULL : argv[1];
    if (command == NULL) {
        return fail(err, "usage", 0, "a command is needed: inspect, run, hold, agent, sweep, fill or --version");
    }
    if (strcmp(command, "--version") == 0) {
        options->command = COMMAND_VERSION;
        return 0;
    }
    static const struct {
        const char *name;
        enum command command;
    } commands[] = {{"inspect", COMMAND_INSPECT}, {"run", COMMAND_RUN}, {"hold", COMMAND_HOLD}, {"agent", COMMAND_AGENT}, {"sweep", COMMAND_SWEEP}};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(command, commands[i].name) == 0) {
            options->command = commands[i].command;
        }
    }
    if (options->command == COMMAND_NONE) {
        return fail(err, "usage", 0, "unknown command `%.64s`: there are inspect, run, hold, agent, sweep, fill and --version", command);
    }
    return parse_options(options, argv + 2, err) < 0 || settle_path(options, err) < 0 ? -1 : check(options, err);
}

void options_free(struct options *options) {
    free((void *)options->environment);
    options->environment = NULL;
    free((void *)options->tools);
    options->tools = NULL;
    free((void *)options->orders);
    options->orders = NULL;
}
