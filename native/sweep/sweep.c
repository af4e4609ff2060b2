/* sweep: the last resort, when shim and guardian were killed at once and nobody knows any more what they had done. */
#include "sweep/sweep.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/format.h"
#include "errand.h"
#include "sweep/census.h"
#include "sweep/residue.h"
#include "sweep/sums.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>

/* What is beyond the first UNDO_MAX comes to light when these are gone. */
enum { ROUNDS_MAX = 64, LOST_AGAIN_MS = 100 };

/** In a child, within the network namespace: undoes the list, if there is one, and writes what there is then. */
static int work(const void *argument) {
    const struct undo_list *remove = argument;
    struct undo_list found = {.count = 0};
    struct error err = {0};
    if (remove != NULL) {
        (void)undo_run(remove, true, &err); /* What counts is whether it is there. */
    }
    if (residue_find(&found, &err) < 0) {
        char message[sizeof err.text + 128];
        error_message(&err, message, sizeof message);
        ssize_t written = write(2, message, strlen(message));
        (void)written; /* The exit code says it too. */
        return EXIT_OWN_FAILURE;
    }
    return write(1, &found, sizeof found) == (ssize_t)sizeof found ? 0 : EXIT_OWN_FAILURE;
}

/** 0 with what there is, after the list (or NULL: nothing) was undone; 1 when it could not be found out, which is warned of; -1 when the sweep is over. */
static int visit(struct run *run, const struct network *network, const struct undo_list *remove, struct undo_list *found, struct error *err) {
    const struct errand errand = {.work = work, .argument = remove, .limit_ms = ERRAND_LIMIT_MS, .leash = -1};
    cleanup_outcome struct outcome outcome = {0};
    run->target.namespaces.fd[NS_NET] = network->fd;
    int result = errand_run(run, &errand, &outcome, err);
    run->target.namespaces.fd[NS_NET] = -1;
    if (result < 0) {
        return -1;
    }
    if (run->reason != REASON_NONE) {
        return fail(err, "internal", 0, "stopped before every network namespace was looked at");
    }
    if (outcome.exit_code != 0 || outcome.out_length != sizeof *found) {
        event_warn(&run->events, "unseen", "the network namespace %llu (process %d) could not be looked at: %.256s", (unsigned long long)network->inode, (int)network->pid,
                   outcome.exit_code == ERRAND_TIMED_OUT ? "it took too long" : outcome.err);
        return 1;
    }
    memcpy(found, outcome.out, sizeof *found);
    return 0;
}

static void report_found(struct run *run, const struct network *network, const struct undo *undo, bool removed) {
    static const char *const kinds[] = {[UNDO_QDISC] = "qdisc", [UNDO_INGRESS] = "ingress", [UNDO_LINK] = "link", [UNDO_TABLE] = "table"};
    bool of_device = undo->kind == UNDO_QDISC || undo->kind == UNDO_INGRESS;
    struct json line = {0};
    residue_begin(&line, network->inode, network->pid, network->cgroup);
    json_string(&line, "what", kinds[undo->kind]);
    json_string(&line, of_device ? "device" : "name", undo->name);
    if (undo->kind == UNDO_QDISC) {
        char handle[16];
        format_text(handle, sizeof handle, "%x:", (unsigned int)(undo->handle >> 16));
        json_string(&line, "handle", handle);
    }
    residue_end(run, &line, network->in_use, removed);
}

/** A device and a link are the same under another name. */
static bool is_same(const struct undo *one, const struct undo *other) {
    return one->kind == other->kind && one->index == other->index && (one->index != 0 || strcmp(one->name, other->name) == 0);
}

static bool holds(const struct undo_list *list, const struct undo *undo) {
    for (size_t i = 0; i < list->count; i++) {
        if (is_same(&list->item[i], undo)) {
            return true;
        }
    }
    return false;
}

/** Counts and reports what was found, given what is there now. True when something of it is gone. */
static bool settle(struct run *run, const struct network *network, const struct undo_list *found, const struct undo_list *now, bool all, struct sums *sums) {
    bool progress = false;
    for (size_t i = 0; i < found->count; i++) {
        bool removed = !network->in_use && now != NULL && !holds(now, &found->item[i]);
        progress = progress || removed;
        /* What stays is told of in the last round. */
        if (removed || all) {
            sums_add(sums, network->in_use, removed);
            report_found(run, network, &found->item[i], removed);
        }
    }
    return progress;
}

static int sweep_network(struct run *run, struct census *census, struct network *network, const char **state, struct sums *sums, struct error *err) {
    struct undo_list found = {.count = 0};
    struct undo_list now = {.count = 0};
    int result = visit(run, network, NULL, &found, err);
    for (int round = 0; result == 0 && found.count > 0; round++) {
        /* A fault is made only after its guardian is there: one that began while we looked has it by now. */
        if (census_look_for_guardians(census, &run->hierarchies, err) < 0) {
            return -1;
        }
        network->in_use = network->in_use || census->blind;
        if (network->in_use || !run->options.remove || round == ROUNDS_MAX) {
            settle(run, network, &found, NULL, true, sums);
            return 0;
        }
        *state = "unknown: a part of what was found has been removed";
        result = visit(run, network, &found, &now, err);
        if (result != 0) {
            settle(run, network, &found, NULL, true, sums);
        } else if (!settle(run, network, &found, &now, false, sums)) {
            settle(run, network, &now, NULL, true, sums);
            return 0;
        } else {
            found = now;
        }
    }
    if (result > 0) {
        sums_add_unseen(sums, network->inode, network->pid);
    }
    return result < 0 ? -1 : 0;
}

/** A process of ours ends with its shim, but not in the same moment: lost is who is there a while later, too. None is killed: another may call itself so. */
static int sweep_processes(struct run *run, const struct census *before, struct sums *sums, struct error *err) {
    cleanup_census struct census now = {0};
    if (before->lost_count == 0) {
        return 0;
    }
    poll(NULL, 0, LOST_AGAIN_MS);
    if (census_take(&now, &run->hierarchies, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < now.lost_count; i++) {
        const struct lost *lost = &now.lost[i];
        bool again = false;
        for (size_t k = 0; k < before->lost_count; k++) {
            again = again || process_is_same(&before->lost[k].process, &lost->process);
        }
        if (again) {
            struct json line = {0};
            residue_begin(&line, 0, lost->process.pid, lost->cgroup);
            json_string(&line, "what", "process");
            json_string(&line, "name", lost->process.comm);
            residue_end(run, &line, false, false);
            sums_add(sums, false, false);
        }
    }
    return 0;
}

/** One descriptor for each network: a node may have more than the usual limit allows. */
static void raise_descriptors(void) {
    struct rlimit limit;
    if (prlimit(0, RLIMIT_NOFILE, NULL, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        prlimit(0, RLIMIT_NOFILE, &limit, NULL);
    }
}

/** Who is outside must be told from who is not, or every running experiment would look like residue. */
static int see_cgroups(struct run *run, struct error *err) {
    cleanup_close int self = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (self < 0) {
        return fail(err, "internal", errno, "open `/proc/self`");
    }
    if (view_enter(&run->hierarchies, err) < 0) {
        return -1;
    }
    if (run->hierarchies.view == VIEW_OWN) {
        return fail(err, "cgroup-view", 0, "process 1 may not be looked into, and our own cgroup namespace does not show who is outside of every container: a running experiment could not be told from residue");
    }
    return hierarchies_open(&run->hierarchies, self, "", err);
}

int sweep(struct run *run, const char **state, struct error *err) {
    cleanup_census struct census census = {0};
    struct sums sums = {0};
    int64_t since = clock_ms();
    size_t seen = 0;
    /* Nothing of a run is due: no lease, no sample, no deadline. */
    run->phase = PHASE_STARTING;
    run->options.lease_ms = 0;
    run->next_sample = INT64_MAX;
    raise_descriptors();
    if (signals_collect(run, err) < 0 || refuse_rootless(err) < 0 || see_cgroups(run, err) < 0 || census_take(&census, &run->hierarchies, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < census.network_count; i++) {
        size_t unseen = sums.unseen_count;
        if (sweep_network(run, &census, &census.networks[i], state, &sums, err) < 0) {
            return -1;
        }
        seen += sums.unseen_count == unseen;
    }
    for (size_t i = 0; i < census.unknown_count; i++) {
        if (!census_covers(&census, &census.unknown[i])) {
            sums_add_unseen(&sums, 0, census.unknown[i].pid);
        }
    }
    if (sweep_records(run, state, &sums, err) < 0 || sweep_processes(run, &census, &sums, err) < 0) {
        return -1;
    }
    sums_report(run, &sums, seen, since);
    return sums.left == 0 && sums.unseen_count == 0 ? 0 : 1;
}
