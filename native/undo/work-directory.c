/* The directory that the workload works in, made where --path leads. */
#include "run.h"

#include "base/cleanup.h"
#include "enter/link.h"
#include "path/entrance.h"
#include "path/probe.h"
#include "undo/directory.h"
#include "undo/revert.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** What a child is to make. */
struct making {
    const struct run *run;
    struct entrance entrance;
    int at, link;
};

/** What it says of that. */
struct made {
    int32_t number; /**< errno, or 0: then the link has the directory */
    bool entered;
    uint64_t inode;
};

/** -1 when it could not. */
static int make(const struct making *making, int at, int link, struct made *made) {
    const struct message message = {.kind = MESSAGE_DIRECTORY};
    struct stat st = {0};
    cleanup_close int directory = directory_make(at, making->run->options.directory);
    int result = directory < 0 ? directory : fstat(directory, &st) < 0 ? -errno : link_send(link, &message, &directory, 1);
    made->number = -result;
    made->inode = st.st_ino;
    return result < 0 ? -1 : steal_fd(&directory);
}

static int work(const void *argument) {
    const struct making *making = argument;
    struct message failed = {0};
    struct made made = {0};
    int kept[] = {making->at, making->link, making->run->revert->guardian.leash};
    made.entered = entrance_arrange(&making->entrance, kept, 3) && take_credentials(making->run->steps, &failed) == 0;
    made.number = failed.value;
    int directory = made.entered ? make(making, kept[0], kept[1], &made) : -1;
    if (write(1, &made, sizeof made) != (ssize_t)sizeof made) {
        return EXIT_OWN_FAILURE;
    }
    /* Said already: this may take longer than a child has, and a probe that does not find it makes it. */
    return directory < 0 || path_make_file(making->run, directory) < 0;
}

static int not_made(const struct run *run, const struct outcome *outcome, const struct made *made, struct error *err) {
    const char *path = run->options.path;
    if (outcome->lost != 0) {
        return fail(err, "path", 0, "make a directory in `%.256s`: its file system does not answer; process %d ends with the request that it waits for", path, (int)outcome->lost);
    }
    if (made->number == 0 && (made->inode != 0 || !made->entered)) {
        return fail(err, "path", 0, "make a directory in `%.256s`: %s", path, outcome->exit_code == ERRAND_TIMED_OUT ? "it took too long" : "the child that was to do it ended before");
    }
    if (!made->entered) {
        return fail(err, "credentials", made->number, "take on the target's credentials, to make a directory in `%.256s`", path);
    }
    return fail(err, made->number == EEXIST ? "foreign" : "path", made->number, "make the directory `%s` in `%.256s`", run->options.directory, path);
}

/** The child's work is on the list already: from now on it is known by more than its name. */
static int take_over(struct run *run, struct undo *undo, const struct made *made, struct arrival *arrival, struct error *err) {
    run->work_directory = steal_fd(&arrival->fds[0]);
    undo->directory = run->work_directory;
    undo->inode = made->inode;
    guardian_tell(&run->revert->guardian, run->work_directory);
    return revert_update_record(run, err);
}

static int send_child(struct run *run, struct error *err) {
    struct undo *undo = &run->revert->undo.item[0];
    cleanup_close int ours = -1;
    cleanup_close int theirs = -1;
    cleanup_outcome struct outcome outcome = {0};
    struct made made = {0};
    struct arrival arrival = {.fds = {-1, -1}};
    if (link_make(&ours, &theirs, err) < 0) {
        return -1;
    }
    const struct making making = {run, {.mnt = -1, .root = -1, .user = entrance_of(run).user}, undo->at, theirs};
    /* The leash: until it is certain that this child makes nothing any more, the guardian is not alone. */
    const int kept[] = {making.entrance.user, making.at, making.link, run->revert->guardian.leash};
    const struct errand errand = {.work = work, .argument = &making, .limit_ms = ERRAND_LIMIT_MS, .leash = -1, .may_hang = true, .kept = kept, .kept_count = 4};
    if (errand_run(run, &errand, &outcome, err) < 0) {
        return -1;
    }
    run->revert->maker = outcome.lost;
    run->revert->maker_fd = outcome.lost == 0 ? -1 : steal_fd(&outcome.lost_fd);
    if (outcome.out_length == sizeof made) {
        memcpy(&made, outcome.out, sizeof made);
    }
    bool arrived = link_receive(ours, &arrival) == 1 && arrival.fds[0] >= 0;
    if (arrived && made.inode != 0) {
        return take_over(run, undo, &made, &arrival, err);
    }
    close_fd(&arrival.fds[0]);
    if (outcome.cut) {
        return 0;
    }
    if (made.number == EEXIST) {
        undo_shift(&run->revert->undo);
    }
    return not_made(run, &outcome, &made, err);
}

int make_work_directory(struct run *run, struct error *err) {
    struct undo undo = {.kind = UNDO_DIRECTORY, .at = run->path.directory, .directory = -1, .path = run->options.path, .owner = run->steps};
    memcpy(undo.name, run->options.directory, strlen(run->options.directory) + 1);
    if (!undo_push(&run->revert->undo, &undo) || revert_refuse_foreign(run, err) < 0) {
        return -1;
    }
    if (run->reason != REASON_NONE || revert_claim(run, run->options.directory, -1, err) < 0) {
        return run->reason != REASON_NONE ? 0 : -1;
    }
    if (run->reason != REASON_NONE || revert_guard(run, err) < 0) {
        return run->reason != REASON_NONE ? 0 : -1;
    }
    return send_child(run, err);
}
