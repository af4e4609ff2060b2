#include "undo/stopped.h"

#include "base/cleanup.h"
#include "base/sys.h"

#include <signal.h>
#include <sys/mman.h>

struct stopped *stopped_make(void) {
    void *memory = mmap(NULL, sizeof(struct stopped), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static int send_continue(const struct process *process) {
    cleanup_close int pidfd = process_hold_any(process);
    long result = pidfd < 0 ? pidfd : sys4(__NR_pidfd_send_signal, pidfd, SIGCONT, 0, 0);
    return result == -ESRCH ? 0 : (int)result;
}

int stopped_present(const struct undo *undo) {
    int count = 0;
    for (size_t i = 0; i < undo->stopped->count; i++) {
        int state = undo->stopped->item[i].state;
        count += state == STOP_SENT || state == STOP_SEEN;
    }
    return count;
}

int stopped_continue(const struct undo *undo) {
    int status = 0;
    if (undo->stopped == NULL) {
        const struct process process = {.pid = undo->pid, .start_ticks = undo->start_ticks};
        return send_continue(&process);
    }
    for (size_t i = 0; i < undo->stopped->count; i++) {
        struct stopped_one *one = &undo->stopped->item[i];
        int result = one->state == STOP_SENT || one->state == STOP_SEEN ? send_continue(&one->process) : 0;
        one->state = result == 0 ? STOP_OVER : one->state;
        status = result < 0 ? result : status;
    }
    return status;
}
