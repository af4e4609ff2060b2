#include "run.h"

#include "base/clock.h"
#include "hold/hold.h"
#include "target/modules.h"
#include "target/sample.h"

#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>

static void write_cgroups(const struct run *run, struct json *line) {
    json_open(line, "cgroups", '[');
    for (size_t i = 0; i < run->hierarchies.count; i++) {
        const struct hierarchy *hierarchy = &run->hierarchies.item[i];
        json_open(line, NULL, '{');
        json_string(line, "hierarchy", hierarchy->name);
        json_number(line, "version", hierarchy->version);
        json_string(line, "path", hierarchy->path);
        json_bool(line, "joined", hierarchy->directory >= 0);
        json_close(line, '}');
    }
    json_close(line, ']');
}

static void write_unmounted(const struct run *run, struct json *line) {
    json_open(line, "unmounted", '[');
    for (size_t i = 0; i < run->hierarchies.count; i++) {
        if (run->hierarchies.item[i].directory < 0) {
            json_string(line, NULL, run->hierarchies.item[i].name);
        }
    }
    json_close(line, ']');
}

static void write_namespaces(const struct run *run, struct json *line) {
    json_open(line, "namespaces", '[');
    for (int i = 0; i < NS_COUNT; i++) {
        if (run->target.namespaces.inode[i] != 0) {
            json_open(line, NULL, '{');
            json_string(line, "name", namespace_kinds[i].name);
            json_unsigned(line, "inode", run->target.namespaces.inode[i]);
            json_bool(line, "own", run->target.namespaces.inode[i] != run->own.inode[i]);
            json_close(line, '}');
        }
    }
    json_close(line, ']');
}

static void write_credentials(const struct target *target, struct json *line) {
    const struct status *status = &target->status;
    json_unsigned(line, "uid", status->uid[1]);
    json_unsigned(line, "gid", status->gid[1]);
    json_open(line, "groups", '[');
    struct span rest = status->groups;
    struct span word;
    uint64_t group = 0;
    while (span_cut(&rest, ' ', &word)) {
        if (span_number(word, &group)) {
            json_unsigned(line, NULL, group);
        }
    }
    json_close(line, ']');
    json_bool(line, "no_new_privs", status->no_new_privs);
    json_set(line, "cap_inheritable", status->inheritable);
    json_set(line, "cap_permitted", status->permitted);
    json_set(line, "cap_effective", status->effective);
    json_set(line, "cap_bounding", status->bounding);
    json_set(line, "cap_ambient", status->ambient);
}

void report_resolved(struct run *run, enum weight weight) {
    static const char *const views[] = {[VIEW_INIT] = "init", [VIEW_HOST] = "host", [VIEW_OWN] = "own"};
    struct utsname kernel;
    memset(&kernel, 0, sizeof kernel);
    uname(&kernel);
    struct json line = {0};
    event_begin(&line, "resolved");
    json_string(&line, "version", NSEXEC_VERSION);
    json_string(&line, "kernel", kernel.release);
    json_string(&line, "arch", kernel.machine);
    json_number(&line, "pid", run->target.pid);
    json_unsigned(&line, "start_ticks", run->target.start_ticks);
    json_string(&line, "comm", run->target.comm);
    if (run->options.container != NULL) {
        json_string(&line, "container", run->options.container);
    }
    if (run->options.command == COMMAND_INSPECT) {
        modules_write(kernel.release, &line);
    }
    json_string(&line, "cgroup_mode", hierarchies_mode(&run->hierarchies));
    json_string(&line, "cgroup_view", views[run->hierarchies.view]);
    write_cgroups(run, &line);
    write_unmounted(run, &line);
    write_namespaces(run, &line);
    write_credentials(&run->target, &line);
    json_number(&line, "oom_score_adj", run->target.oom_score_adj);
    json_bool(&line, "frozen", cgroup_is_frozen(&run->hierarchies));
    if (run->path.directory >= 0) {
        path_write(run, &line);
    }
    if (run->hold != NULL) {
        hold_write_match(run, &line);
    }
    struct sample sample;
    sample_read(&sample, &run->hierarchies);
    json_open(&line, "sample", '{');
    sample_write(&sample, &line);
    if (run->hold != NULL) {
        hold_write_pause(run, &line);
    }
    json_close(&line, '}');
    event_emit(&run->events, &line, weight);
}

void report_active(struct run *run, int entered, int of) {
    struct json line = {0};
    event_begin(&line, "active");
    json_number(&line, "pid", run->hold != NULL ? run->revert->guardian.pid : run->children.slot[CHILD_WORKLOAD].pid);
    write_cgroups(run, &line);
    write_namespaces(run, &line);
    json_number(&line, "entered", entered);
    json_number(&line, "of", of);
    json_number(&line, "elapsed_ms", run->active_ms - run->started_ms);
    event_emit(&run->events, &line, WEIGHT_LIFE);
}

void report_sample(struct run *run) {
    struct sample sample;
    struct json line = {0};
    sample_read(&sample, &run->hierarchies);
    event_begin(&line, "sample");
    sample_write(&sample, &line);
    if (run->hold != NULL) {
        hold_write_pause(run, &line);
    }
    event_emit(&run->events, &line, WEIGHT_SAMPLE);
}

int report_ended(struct run *run) {
    static const char *const reasons[] = {
        [REASON_NONE] = "killed",       [REASON_EXITED] = "exited", [REASON_KILLED] = "killed", [REASON_STOPPED] = "stopped",
        [REASON_DEADLINE] = "deadline", [REASON_LEASE] = "lease",   [REASON_SIGNAL] = "signal", [REASON_TARGET_GONE] = "target-gone",
        [REASON_OVERWRITTEN] = "overwritten",
    };
    /* Without a workload yet, what was to become one has been killed; `hold` has none. */
    int status = run->hold != NULL ? 0 : SIGKILL;
    (void)child_ended(&run->children, CHILD_WORKLOAD, &status);
    int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    int exit_code = signal != 0 ? 128 + signal : WEXITSTATUS(status);
    struct json line = {0};
    event_begin(&line, "ended");
    json_string(&line, "reason", reasons[run->reason]);
    json_number(&line, "exit_code", exit_code);
    json_number(&line, "signal", signal);
    json_bool(&line, "forced", run->forced);
    json_number(&line, "run_ms", run->active_ms == 0 ? 0 : clock_ms() - run->active_ms);
    int64_t kills = sample_oom_kills(&run->hierarchies);
    if (kills >= 0 && run->oom_kills_at_start >= 0) {
        json_number(&line, "oom_kills", kills - run->oom_kills_at_start);
    }
    event_emit(&run->events, &line, WEIGHT_LIFE);
    return exit_code;
}

void report_reverted(struct run *run) {
    struct json line = {0};
    event_begin(&line, "reverted");
    json_number(&line, "elapsed_ms", run->reverted_ms - run->ending_ms);
    json_number(&line, "left", 0);
    json_string(&line, "by", "shim");
    event_emit_last(&run->events, &line);
}
