#ifndef NSEXEC_AGENT_H
#define NSEXEC_AGENT_H

#include "run.h"

/** What a shim does from its command line to its end, in a process of its own; its exit code. */
typedef int (*shim_life)(struct run *run, char **argv);

/**
 * The whole of `agent`: many shims in one container, begun on command, each with its own target. What it says and hears is README's, "agent". It uses of `run` what is no target's: options,
 * events, signals, stdin, toolbox. The exit code, or -1.
 *
 * A shim is a child of the agent's, forked and not executed again, and from then on what it would be by itself: it finds, enters, watches and undoes with processes of its own, and with a
 * guardian of its own. The agent does nothing to a target. It carries lines, and what keeps a target safe does not need it:
 *
 *              it gets TERM at the agent's death (PR_SET_PDEATHSIG): it reverts at once, as at the deletion of its pod. The agent's container may take it along before that is done; then, and
 *              whenever else it is killed, its guardian does it, which the agent's death does not touch, and no lease has to run out
 *     stdin    a pipe of its own, from the agent; it sees no other's lines, and beats come through it
 *     stdout   a pipe of its own, to the agent, which its guardian has as well, and nobody else: what comes through it is of this shim, whatever it says
 *     stderr   /dev/null: the container's ends with the agent
 *     tools    with --toolbox, until it has got that: a link from the agent
 *
 * and no other descriptor of the agent's; and it has a session of its own.
 */
int agent(struct run *run, shim_life life, struct error *err);

#endif
