#ifndef NSEXEC_GUARDIAN_H
#define NSEXEC_GUARDIAN_H

#include "run.h"
#include "undo/undo.h"

/**
 * The guardian: a process that outlives us, and undoes when we have not. It holds the undo with its descriptors, the target's network namespace (it is in it) if that is where there
 * is something to undo, pidfds of ours and of the workload's init, and nothing else: none of the container's stdio, so that the container can end; and it is outside in every hierarchy
 * (hierarchy.h), so that what kills the container, or takes its memory, does not take it. It ends with us.
 *
 * A shim that hangs (stopped, waiting for a disk, starved of CPU) is as bad as one that is dead. We say every second that we are at work; when the guardian has itself woken fifteen
 * times without hearing that, it kills us and the init, and undoes. It counts the times that it woke, not the time: a machine that was paused has not made us hang. From `active` on it also
 * knows the deadline, and does the same a while after it.
 */
struct guardian {
    pid_t pid; /**< 0: there is none */
    int link;  /**< to it; it ends when told to, and looks after us when this closes */
    int leash; /**< to it, and never written to: programs of ours have it too, and one that is on its way to die could still do again what was undone */
};

#define GUARDIAN_NONE ((struct guardian){.link = -1, .leash = -1})

/** Starts one and waits until it is on guard. Nothing is changed before. */
int guardian_start(struct guardian *guardian, struct run *run, const struct undo_list *undo, struct error *err);
/** The directory on the list has been made: until it knows that, it removes none but an empty one. */
void guardian_tell(const struct guardian *guardian, int directory);
/** The init of the workload's pid namespace is there. */
void guardian_tell_init(const struct guardian *guardian, int pidfd);
/** The deadline counts from now on. */
void guardian_tell_active(const struct guardian *guardian);
/** We are at work. Every PULSE_MS at the latest. */
void guardian_pulse(const struct guardian *guardian);
enum { PULSE_MS = 1000 };
/** True when it has ended although nobody told it to. */
bool guardian_lost(const struct guardian *guardian, const struct run *run);
/** Everything is undone: it may go. Waits for its end, for a few seconds at most. */
void guardian_dismiss(struct guardian *guardian, struct run *run);
/** Forgets one that has ended, or that is to stay. */
void guardian_close(struct guardian *guardian);

#endif
