#ifndef NSEXEC_REVERT_H
#define NSEXEC_REVERT_H

#include "errand.h"
#include "undo/guardian.h"
#include "undo/ipc.h"
#include "undo/lease.h"
#include "undo/undo.h"

/** What a run takes back at its end, and who does when we do not get to it. */
struct revert {
    struct undo_list undo;
    struct guardian guardian;
    pid_t maker;  /**< who was to make the directory, hung when it was given up, and may make it still: for words alone */
    int maker_fd; /**< its pidfd; -1: there is none */
    int cgroup; /**< that the record is on; -1: there is no record */
    int links;  /**< the kernel tells on it of the links of the target's network, from the first look on; -1: no link of the list is to be recognised */
    struct lease leases[2]; /**< who the record says is at work: we, and the guardian */
    size_t lease_count;
    struct ipc ipc; /**< of a workload */
};

#define REVERT_NONE ((struct revert){.guardian = GUARDIAN_NONE, .maker_fd = -1, .cgroup = -1, .links = -1, .ipc = IPC_NONE})

/** What was there before must not be undone by us: nothing that is on the list may be there yet. From here on devices are known by their indexes. */
int revert_refuse_foreign(struct run *run, struct error *err);
/** Takes note of the links on the list that have been made. After each program that may have made one. */
void revert_learn(struct run *run);
/** The names of devices, by which programs have worked, must mean the devices that were looked at. */
int revert_check_devices(struct run *run, struct error *err);
/**
 * Puts the record, by this name, at the end of the list and on the target's cgroup in the hierarchy of records, or where `cgroup` is not -1 on that. Something is changed from here on.
 */
int revert_claim(struct run *run, const char *name, int cgroup, struct error *err);
/** The record says now what the list does, and who is at work. */
int revert_update_record(struct run *run, struct error *err);
/** Puts a guardian over the list. Something may be changed from here on. */
int revert_guard(struct run *run, struct error *err);
/** A guardian that was killed is replaced: the promise is kept as long as we live. True when there was anything to do. */
bool revert_keep_guarded(struct run *run);
/** Undoes. 0 when nothing of the list is there any more; else the guardian stays, sees our end, and goes on trying. */
int revert_all(struct run *run, struct error *err);
void revert_close(struct revert *revert);

#endif
