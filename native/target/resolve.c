#include "run.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <fcntl.h>
#include <sys/stat.h>

int resolve(struct run *run, struct error *err) {
    cleanup_close int self = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int result = self < 0 ? -errno : namespaces_read(&run->own, self, false);
    if (result < 0) {
        return fail(err, "internal", -result, "read our own namespaces");
    }
    if (view_enter(&run->hierarchies, err) < 0 || target_hold(&run->target, &run->options, &run->own, err) < 0) {
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

/* PROC_USER_INIT_INO of the kernel: the inode of the first user namespace, the same on every machine. */
enum { INITIAL_USER_NAMESPACE = 0xEFFFFFFD };

int refuse_rootless(struct error *err) {
    struct stat st;
    if (stat("/proc/self/ns/user", &st) < 0) {
        return errno == ENOENT ? 0 : fail(err, "internal", errno, "look at `/proc/self/ns/user`");
    }
    if (st.st_ino != INITIAL_USER_NAMESPACE) {
        return fail(err, "permission", 0, "this node is rootless: its root is that of a user namespace (%llu) and not the machine's, and may neither place a process outside of every container nor read back what it did",
                    (unsigned long long)st.st_ino);
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
    int *const fds[] = {&run->scratch,        &run->hook,           &run->plan,           &run->null,          &run->signals,         &run->program.fd, &run->tool_root,
                        &run->toolbox_link,   &run->toolbox_holder, &run->tree.init_link, &run->tree.workload_link, &run->tree.pid_namespace};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
        close_fd(fds[i]);
    }
    output_close(&run->output);
    toolbox_free(&run->toolbox);
    children_close(&run->children);
    free_pointer(&run->steps);
    free_pointer(&run->environment);
    path_close(&run->path);
    close_fd(&run->work_directory);
    hierarchies_close(&run->hierarchies);
    target_close(&run->target);
    lines_free(&run->lines);
    workload_line_free(&run->workload);
    events_close(&run->events);
    options_free(&run->options);
}
