#include "enter/tracing.h"

#include "base/sys.h"

#include <signal.h>
#include <sys/ptrace.h>

bool tracing_begin(pid_t nester) {
    return ptrace(PTRACE_SEIZE, nester, 0, PTRACE_O_EXITKILL | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE) == 0;
}

void tracing_let_go_on(struct children *children, pid_t pid) {
    static const enum child_name traced[] = {CHILD_NESTER, CHILD_NEST, CHILD_INIT};
    for (size_t i = 0; i < sizeof traced / sizeof *traced; i++) {
        const struct child *child = &children->slot[traced[i]];
        if (child->pid == pid || (child->pid == 0 && children_expect(children, traced[i], pid) == 0)) {
            /* Without its signal, whatever it was. */
            ptrace(PTRACE_CONT, pid, 0, 0);
            return;
        }
    }
    /* Stopped, and not reaped: the number is its own. Nest makes one process and no more, unless somebody else writes what it does. */
    sys2(__NR_kill, pid, SIGKILL);
}
