#include "run.h"

#include "cleanup.h"
#include "clock.h"

#include <fcntl.h>

int resolve(struct run *run, struct error *err) {
    cleanup_close int self = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int result = self < 0 ? -errno : namespaces_read(&run->own, self, false);
    if (result < 0) {
        return fail(err, "internal", -result, "read our own namespaces");
    }
    if (target_hold(&run->target, &run->options, &run->own, err) < 0 || view_enter(&run->hierarchies, err) < 0) {
        return -1;
    }
    if (hierarchies_open(&run->hierarchies, run->target.proc, run->options.need, err) < 0) {
        return target_is_gone(&run->target) ? fail(err, "target-gone", 0, "process %d, the target, has ended", (int)run->target.pid) : -1;
    }
    if (run->options.container != NULL) {
        hierarchies_name_container(&run->hierarchies, run->options.container);
    }
    return 0;
}

void run_begin_clocks(struct run *run) {
    int64_t now = clock_ms();
    run->phase = PHASE_WAITING;
    run->lease_until = now + run->options.lease_ms;
    run->deadline = now + run->options.duration_ms;
    run->next_sample = now + run->options.sample_ms;
    run->path.next_probe = run->path.due ? now + run->options.probe_ms : 0;
}

void run_close(struct run *run) {
    int *const fds[] = {&run->scratch,        &run->hook,           &run->plan,           &run->null,          &run->signals,         &run->program.fd,
                        &run->tree.init_fd,   &run->tree.workload_fd, &run->tree.init_link, &run->tree.workload_link, &run->tree.pid_namespace};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
        close_fd(fds[i]);
    }
    free_pointer(&run->steps);
    free_pointer(&run->environment);
    path_close(&run->path);
    close_fd(&run->work_directory);
    hierarchies_close(&run->hierarchies);
    target_close(&run->target);
    lines_free(&run->lines);
    events_close(&run->events);
    options_free(&run->options);
}
