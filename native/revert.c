/* Everything on the list is taken back: by an errand of ours, or by the guardian. */
#include "revert.h"

#include "cleanup.h"
#include "clock.h"
#include "format.h"
#include "record.h"
#include "sys.h"
#include "undo-words.h"

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

/** In a child, and within the target's network namespace if the list needs it; what it finds or cannot do is on its stderr, and the exit code says how many. */
static int work_present(const void *argument) {
    struct error err = {0};
    char first[UNDO_TEXT_BYTES] = "";
    int found = undo_present(argument, first, sizeof first, &err);
    (void)say(found < 0 ? err.text : first);
    return found < 0 ? EXIT_OWN_FAILURE : found;
}

static int work_undo(const void *argument) {
    struct error refused = {0};
    struct error err = {0};
    char first[UNDO_TEXT_BYTES] = "";
    char why[sizeof refused.text + 64];
    int result = undo_run(argument, &refused);
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

static int send_out(struct run *run, int (*work)(const void *argument), int limit_ms, struct outcome *outcome, struct error *err) {
    struct undo_list *list = &run->revert->undo;
    int kept[UNDO_MAX * UNDO_FDS];
    struct errand errand = {.work = work, .argument = list, .limit_ms = limit_ms, .leash = -1, .may_hang = !undo_needs_network(list), .kept = kept};
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

int revert_refuse_foreign(struct run *run, struct error *err) {
    cleanup_outcome struct outcome outcome = {0};
    if (run->revert->undo.count == 0) {
        return 0;
    }
    if (send_out(run, work_present, ERRAND_LIMIT_MS, &outcome, err) < 0) {
        return -1;
    }
    if (run->reason != REASON_NONE || outcome.exit_code == 0) {
        return 0;
    }
    if (outcome.exit_code == ERRAND_TIMED_OUT) {
        return no_answer(run, &outcome, directory_of(&run->revert->undo) != NULL ? "path" : "internal", err);
    }
    if (outcome.exit_code > UNDO_MAX) {
        return fail(err, "internal", 0, "look at what is there before: %.256s", outcome_complaint(&outcome));
    }
    return fail(err, "foreign", 0, "the %.320s is there already, of another experiment or of somebody else: it would be removed at the end", outcome_complaint(&outcome));
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

int revert_claim(struct run *run, const char *name, struct error *err) {
    struct revert *revert = run->revert;
    struct undo record = {.kind = UNDO_RECORD, .directory = -1};
    char text[RECORD_MAX_BYTES];
    const struct hierarchy *hierarchy = record_hierarchy(&run->hierarchies);
    if (hierarchy == NULL) {
        return fail(err, "cgroup-unmounted", 0, "the target is in no cgroup that is mounted: there is nowhere to record what must be undone");
    }
    if (!write_record(revert, text)) {
        return fail(err, "internal", 0, "the record of what must be undone is longer than %d bytes", RECORD_MAX_BYTES);
    }
    if (revert->undo.count == UNDO_MAX) {
        return fail(err, "orders", 0, "more than %d things to undo", UNDO_MAX - 1);
    }
    revert->cgroup = openat(hierarchy->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (revert->cgroup < 0) {
        return fail(err, "cgroup", errno, "open the target's cgroup `%s`", hierarchy->path);
    }
    record_lock(run, revert->cgroup, LOCK_SH);
    if (run->reason != REASON_NONE) {
        return 0;
    }
    record.at = revert->cgroup;
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
    if (run->revert->maker != 0 && sys2(__NR_kill, run->revert->maker, 0) == 0) {
        return fail(err, "undo", 0, "process %d waits for the file system and may make the directory still; the guardian removes it if that is within a minute", (int)run->revert->maker);
    }
    /* In one that was not made there is nothing. */
    int limit_ms = directory != NULL && directory->directory >= 0 ? DIRECTORY_LIMIT_MS : ERRAND_LIMIT_MS;
    if (run->revert->undo.count > 0 && send_out(run, work_undo, limit_ms, &outcome, err) < 0) {
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
    ipc_close(&revert->ipc);
}
