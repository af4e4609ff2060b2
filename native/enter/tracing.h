#ifndef NSEXEC_TRACING_H
#define NSEXEC_TRACING_H

#include "enter/children.h"

/**
 * Nester, nest and init of a run are traced by the shim from their first instruction, for as long as they live. A process has one tracer: so a target that sees nest and init cannot
 * attach to them; what signals it sends them are not delivered, SIGSTOP included, but for SIGKILL; and whatever ends the shim, the kernel kills them (PTRACE_O_EXITKILL), also one
 * that has not come to its PR_SET_PDEATHSIG yet. ptrace(2)
 */

/** Begins with this child, which must not have gone on yet. False where the kernel forbids it to everybody (Yama's ptrace_scope 3), or where somebody traces us and our children. */
bool tracing_begin(pid_t nester);

/** A traced process has stopped: the first ones that are new are nest and init, and get their slots; more than these are killed. */
void tracing_let_go_on(struct children *children, pid_t pid);

#endif
