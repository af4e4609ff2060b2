/* Everything on the list is taken back: by an errand of ours, or by the guardian. */
#include "undo/revert.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/format.h"
#include "base/pidfd.h"
#include "base/sys.h"
#include "enter/link.h"
#include "undo/record.h"
#include "undo/stopped.h"
#include "undo/undo-network.h"
#include "undo/undo-words.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* A disk may need so long for a million files. */
enum { DIRECTORY_LIMIT_MS = 60000 };

static int say(const char *text) {
    ssize_t written = write(2, text, strlen(text));
    return written < 0; /* The exit code says it too. */
}

/** What a child says on its stdout of the devices that the list names, for each of the list. */
struct names {
    int index[UNDO_MAX];
};

static int work_names(const void *argument) {
    struct names names = {{0}};
    network_resolve(argument, names.index);
    return write(1, &names, sizeof names) == (ssize_t)sizeof names ? 0 : EXIT_OWN_FAILURE;
}

/** The first look. `link`: to us, for the socket that hears of links. */
struct first_look {
    const struct undo_list *undo;
    int link;
};

/** In a child, and within the target's network namespace if the list needs it; what it finds or cannot do is on its stderr, and the exit code says how many. */
static int work_look(const void *argument) {
    const struct first_look *look = argument;
    struct undo_list known = *look->undo;
    struct error err = {0};
    char first[UNDO_TEXT_BYTES] = "";
    if (undo_needs_network(&known)) {
        const struct message message = {.kind = MESSAGE_LINKS};
        int events = network_listen(&known);
        (void)link_send(look->link, &message, &events, events < 0 ? 0 : 1); /* Without it their names count. */
        struct names names = {{0}};
        network_resolve(&known, names.index);
        for (size_t i = 0; i < known.count; i++) {
            known.item[i].index = names.index[i];
        }
        if (write(1, &names, sizeof names) != (ssize_t)sizeof names) {
            return EXIT_OWN_FAILURE;
        }
    }
    int found = undo_occupied(&known, first, sizeof first, &err);
    (void)say(found < 0 ? err.text : first);
    return found < 0 ? EXIT_OWN_FAILURE : found;
}

static int work_undo(const void *argument) {
    struct error refused = {0};
    struct error err = {0};
    char first[UNDO_TEXT_BYTES] = "";
    char why[sizeof refused.text + 64];
    int result = undo_run(argument, false, &refused);
    /* What counts is whether it is there. */
    int left = undo_present(argument, first, sizeof first, &err);
    if (left != 0) {
        error_message(result < 0 ? &refused : &err, why, sizeof why);
        (void)say(result < 0 || left < 0 ? why : first);
    }
    return left < 0 ? EXIT_OWN_FAILURE : left;
}

/** The directory of the list, or NULL. */
static const struct undo *directory_of(const struct undo_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        if (list->item[i].kind == UNDO_DIRECTORY) {
            return &list->item[i];
        }
    }
    return NULL;
}

static int send_out(struct run *run, int (*work)(const void *argument), const void *argument, int limit_ms, struct outcome *outcome, struct error *err) {
    struct undo_list *list = &run->revert->undo;
    int kept[UNDO_MAX * UNDO_FDS];
    struct errand errand = {.work = work, .argument = argument, .limit_ms = limit_ms, .leash = -1, .may_hang = !undo_needs_network(list), .kept = kept};
    for (size_t i = 0; i < list->count; i++) {
        int *fds[UNDO_FDS];
        size_t count = undo_descriptors(&list->item[i], fds);
        for (size_t k = 0; k < count; k++) {
            kept[errand.kept_count++] = *fds[k];
        }
    }
    return errand_run(run, &errand, outcome, err);
}

/** The first of the list: where it has not come to an end, that is where it was. */
static int no_answer(const struct run *run, const struct outcome *outcome, const char *code, struct error *err) {
    char what[UNDO_TEXT_BYTES] = "";
    undo_describe(&run->revert->undo.item[0], what, sizeof what);
    return outcome->lost != 0 ? fail(err, code, 0, "look after the %s: its file system does not answer; process %d ends with the request that it waits for", what, (int)outcome->lost)
                              : fail(err, code, 0, "look after the %s: it took too long", what);
}

/** What a child has said of the devices of the list. False when it has not. */
static bool names_of(const struct outcome *outcome, struct names *names) {
    if (outcome->out_length != sizeof *names) {
        return false;
    }
    memcpy(names, outcome->out, sizeof *names);
    return true;
}

static int take_look(struct run *run, const struct outcome *outcome, int link, struct error *err) {
    struct undo_list *list = &run->revert->undo;
    struct names names;
    struct arrival arrival;
    if (!undo_needs_network(list)) {
        return 0;
    }
    if (!names_of(outcome, &names) || link_receive(link, &arrival) != 1) {
        return fail(err, "internal", 0, "look at the devices of the target: nothing was said of them");
    }
    close_fd(&run->revert->links);
    run->revert->links = steal_fd(&arrival.fds[0]);
    for (size_t i = 0; i < list->count; i++) {
        list->item[i].index = names.index[i];
    }
    return 0;
}

int revert_refuse_foreign(struct run *run, struct error *err) {
    cleanup_outcome struct outcome outcome = {0};
    cleanup_close int ours = -1;
    cleanup_close int theirs = -1;
    if (run->revert->undo.count == 0) {
        return 0;
    }
    if (link_make(&ours, &theirs, err) < 0) {
        return -1;
    }
    const struct first_look look = {&run->revert->undo, theirs};
    if (send_out(run, work_look, &look, ERRAND_LIMIT_MS, &outcome, err) < 0) {
        return -1;
    }
    if (run->reason != REASON_NONE) {
        return 0;
    }
    if (outcome.exit_code == ERRAND_TIMED_OUT) {
        return no_answer(run, &outcome, directory_of(&run->revert->undo) != NULL ? "path" : "internal", err);
    }
    if (outcome.exit_code > UNDO_MAX) {
        return fail(err, "internal", 0, "look at what is there before: %.256s", outcome_complaint(&outcome));
    }
    if (outcome.exit_code != 0) {
        return fail(err, "foreign", 0, "the %.320s is there already, of another experiment or of somebody else: it would be removed at the end", outcome_complaint(&outcome));
    }
    return take_look(run, &outcome, ours, err);
}

void revert_learn(struct run *run) { network_learn(run->revert->links, &run->revert->undo); }

/** Takes the indexes of devices that have come since the first look. Where a name means another device than it did, both are undone: how many such there are. */
static size_t compare_names(struct undo_list *list, const struct names *names) {
    struct undo_list others = {.count = 0};
    for (size_t i = 0; i < list->count; i++) {
        struct undo *undo = &list->item[i];
        int now = names->index[i];
        if (!network_names_device(undo) || now == 0 || now == undo->index) {
            continue;
        }
        if (undo->index != 0) {
            (void)undo_push(&others, undo);
            others.item[others.count - 1].index = now;
        } else {
            undo->index = now;
        }
    }
    for (size_t i = 0; i < others.count; i++) {
        (void)undo_unshift(list, &others.item[i]); /* The record of settings is the last. */
    }
    return others.count;
}

int revert_check_devices(struct run *run, struct error *err) {
    cleanup_outcome struct outcome outcome = {0};
    struct undo_list *list = &run->revert->undo;
    struct names names;
    if (!undo_needs_network(list)) {
        return 0;
    }
    if (send_out(run, work_names, list, ERRAND_LIMIT_MS, &outcome, err) < 0) {
        return -1;
    }
    if (run->reason != REASON_NONE) {
        return 0;
    }
    if (!names_of(&outcome, &names)) {
        return fail(err, "readback", 0, "look whether the devices of the target have kept their names: nothing was said of them");
    }
    if (compare_names(list, &names) > 0) {
        return fail(err, "readback", 0, "the name `%s` means another device than before: devices of the target are being renamed", list->item[0].name);
    }
    return 0;
}

static int not_claimed(const struct undo *record, int number, struct error *err) {
    static const char *const of[] = {
        [LEASE_OVER] = "of an experiment that was killed with its guardian: what it has left must be swept first",
        [LEASE_HELD] = "of another experiment, which is at work or just ending",
        [LEASE_UNKNOWN] = "of another experiment; whether that is at work cannot be seen from this pid namespace",
    };
    if (number == EEXIST) {
        return fail(err, "foreign", 0, "the target's cgroup has the record `%s` %s", record->name, of[record_state_at(record)]);
    }
    return fail(err, number == EPERM ? "permission" : "cgroup", number, "put the record `%s` on the target's cgroup", record->name);
}

/** Ours is the first; a guardian that is not there any more has none. */
static bool write_record(struct revert *revert, char text[RECORD_MAX_BYTES]) {
    revert->lease_count = lease_of((pid_t)sys0(__NR_getpid), &revert->leases[0]) == 0;
    revert->lease_count += revert->guardian.pid != 0 && lease_of(revert->guardian.pid, &revert->leases[revert->lease_count]) == 0;
    return record_write(&revert->undo, revert->leases, revert->lease_count, text);
}

int revert_claim(struct run *run, const char *name, int cgroup, struct error *err) {
    struct revert *revert = run->revert;
    struct undo record = {.kind = UNDO_RECORD};
    char text[RECORD_MAX_BYTES];
    const struct hierarchy *hierarchy = record_hierarchy(&run->hierarchies);
    if (hierarchy == NULL && cgroup < 0) {
        return fail(err, "cgroup-unmounted", 0, "the target is in no cgroup that is mounted: there is nowhere to record what must be undone");
    }
    if (!write_record(revert, text)) {
        return fail(err, "internal", 0, "the record of what must be undone is longer than %d bytes", RECORD_MAX_BYTES);
    }
    if (revert->undo.count == UNDO_MAX) {
        return fail(err, "orders", 0, "more than %d things to undo", UNDO_MAX - 1);
    }
    revert->cgroup = openat(cgroup < 0 ? hierarchy->directory : cgroup, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (revert->cgroup < 0) {
        return fail(err, "cgroup", errno, "open the target's cgroup");
    }
    record_lock(run, revert->cgroup, LOCK_SH);
    if (run->reason != REASON_NONE) {
        return 0;
    }
    record.cgroup = revert->cgroup;
    format_text(record.name, sizeof record.name, "%s%s", record_prefix, name);
    int result = record_create(&record, text);
    record_unlock(revert->cgroup);
    if (result < 0) {
        return not_claimed(&record, -result, err);
    }
    run->changed = true;
    (void)undo_push(&revert->undo, &record); /* There was room. */
    return 0;
}

int revert_update_record(struct run *run, struct error *err) {
    const struct undo_list *list = &run->revert->undo;
    char text[RECORD_MAX_BYTES];
    if (list->count == 0 || list->item[list->count - 1].kind != UNDO_RECORD) {
        return 0;
    }
    int result = write_record(run->revert, text) ? record_replace(&list->item[list->count - 1], text) : -E2BIG;
    return result < 0 ? fail(err, "cgroup", -result, "put the record on the target's cgroup again") : 0;
}

int revert_guard(struct run *run, struct error *err) {
    if (guardian_start(&run->revert->guardian, run, &run->revert->undo, err) < 0) {
        return -1;
    }
    run->changed = true;
    /* Before anything is made: from here on a sweep sees that there is a guardian. */
    return revert_update_record(run, err);
}

bool revert_keep_guarded(struct run *run) {
    struct guardian *guardian = &run->revert->guardian;
    struct error err = {0};
    if (!guardian_lost(guardian, run)) {
        return false;
    }
    guardian_close(guardian);
    if (guardian_start(guardian, run, &run->revert->undo, &err) < 0) {
        event_warn(&run->events, "guardian", "the guardian, which would undo if nsexec were killed, was killed itself, and there is no other: %s", err.text);
        run_end(run, REASON_KILLED);
    } else {
        event_warn(&run->events, "guardian", "the guardian, which would undo if nsexec were killed, was killed itself; there is another one now");
        (void)revert_update_record(run, &err); /* On a cgroup that is gone there is none. */
    }
    return true;
}

int revert_all(struct run *run, struct error *err) {
    cleanup_outcome struct outcome outcome = {0};
    const struct undo *directory = directory_of(&run->revert->undo);
    if (run->revert->maker_fd >= 0 && !pidfd_has_ended(run->revert->maker_fd)) {
        return fail(err, "undo", 0, "process %d waits for the file system and may make the directory still; the guardian removes it if that is within a minute", (int)run->revert->maker);
    }
    /* Here, since an errand is in a pid namespace of its own, in which a pid is nobody's. */
    for (size_t i = 0; i < run->revert->undo.count; i++) {
        const struct undo *undo = &run->revert->undo.item[i];
        (void)(undo->kind == UNDO_STOPPED && stopped_continue(undo)); /* What was refused the errand finds still to be done. */
    }
    /* In one that was not made there is nothing. */
    int limit_ms = directory != NULL && directory->directory >= 0 ? DIRECTORY_LIMIT_MS : ERRAND_LIMIT_MS;
    if (run->revert->undo.count > 0 && send_out(run, work_undo, &run->revert->undo, limit_ms, &outcome, err) < 0) {
        return -1;
    }
    if (outcome.exit_code == ERRAND_TIMED_OUT) {
        return no_answer(run, &outcome, "undo", err);
    }
    if (outcome.exit_code != 0) {
        return fail(err, "undo", 0, "not everything could be undone: %.512s", outcome_complaint(&outcome));
    }
    guardian_dismiss(&run->revert->guardian, run);
    close_fd(&run->work_directory);
    run->reverted_ms = clock_ms();
    return 0;
}

void revert_close(struct revert *revert) {
    guardian_close(&revert->guardian);
    close_fd(&revert->cgroup);
    close_fd(&revert->maker_fd);
    close_fd(&revert->links);
    ipc_close(&revert->ipc);
}
