#ifndef NSEXEC_GUARDIAN_H
#define NSEXEC_GUARDIAN_H

#include "run.h"
#include "undo.h"

/**
 * The guardian: a process that outlives us and undoes when we have not. It holds the undo with its descriptors, the target's network namespace (it is in it) if that is where there
 * is something to undo, and a pidfd of ours, and nothing else: none of the container's stdio, so that the container can end; and it is outside in every hierarchy (hierarchy.h), so that what kills
 * the container, or takes its memory, does not take it. It ends with us, and at the latest a while after the deadline.
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
/** True when it has ended although nobody told it to. */
bool guardian_lost(const struct guardian *guardian, const struct run *run);
/** Everything is undone: it may go. Waits for its end. */
void guardian_dismiss(struct guardian *guardian, struct run *run);
/** Forgets one that has ended, or that is to stay. */
void guardian_close(struct guardian *guardian);

#endif
