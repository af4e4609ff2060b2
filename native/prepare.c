#include "run.h"

#include "cleanup.h"
#include "credentials.h"
#include "files.h"
#include "hook-bytes.h"
#include "mount.h"
#include "seal.h"

#include <fcntl.h>
#include <string.h>

/** The highest capability of this kernel; 40 is Linux 5.9's and safe to assume when it is not said. */
static uint32_t read_last_capability(void) {
    char bytes[16];
    uint64_t last = 0;
    struct span line;
    ssize_t got = read_file_at(AT_FDCWD, "/proc/sys/kernel/cap_last_cap", bytes, sizeof bytes);
    struct span rest = {bytes, got < 0 ? 0 : (size_t)got};
    return span_cut(&rest, '\n', &line) && span_number(line, &last) && last < 64 ? (uint32_t)last : 40;
}

/** The credentials of what enters the target; `lost` gets the capabilities that the target has and we cannot give. */
static int decide_credentials(struct run *run, bool executed_last, const char *name, uint64_t *lost, struct error *err) {
    cleanup_free char *text = NULL;
    struct span span;
    struct status own;
    if (read_whole_at(AT_FDCWD, "/proc/self/status", &text, &span) < 0 || !proc_parse_status(span, &own)) {
        return fail(err, "internal", 0, "cannot make sense of our own `/proc/self/status`");
    }
    const struct credentials_choice choice = {
        .as_root = run->options.as_root,
        .executed_last = executed_last,
        .own_user = run->target.namespaces.inode[NS_USER] != run->own.inode[NS_USER],
        .available = own.permitted & own.bounding,
        .last_cap = read_last_capability(),
    };
    run->steps = credentials_decide(&run->target, &choice, lost, err);
    if (run->steps == NULL) {
        return -1;
    }
    run->steps->join_mnt = run->target.namespaces.inode[NS_MNT] != run->own.inode[NS_MNT];
    run->steps->join_user = choice.own_user;
    memcpy(run->steps->name, name, strnlen(name, sizeof run->steps->name - 1));
    return 0;
}

static void warn_of_capabilities(struct run *run, uint64_t lost) {
    if (lost != 0) {
        event_warn(&run->events, "capabilities", "the target has capabilities that nsexec lacks; the workload does without %llx (hexadecimal)", (unsigned long long)lost);
    }
    bool own_pid = run->target.namespaces.inode[NS_PID] != run->own.inode[NS_PID];
    if (!run->steps->join_user && own_pid && (run->target.status.effective >> 19 /* CAP_SYS_PTRACE */ & 1) != 0) {
        event_warn(&run->events, "ptrace", "the target holds CAP_SYS_PTRACE: while the workload enters, and before it has given up its privileges, the target could take it over");
    }
}

/** PATH and HOME, the options' own, and for a dynamic program the two that bring the hook in. */
static const char **make_environment(const struct run *run) {
    size_t given = 0;
    while (run->options.environment != NULL && run->options.environment[given] != NULL) {
        given++;
    }
    const char **environment = calloc(given + 5, sizeof *environment);
    if (environment == NULL) {
        return NULL;
    }
    size_t count = 0;
    environment[count++] = program_path_variable();
    environment[count++] = "HOME=/";
    for (size_t i = 0; i < given; i++) {
        const char *name = run->options.environment[i];
        /* A later PATH or HOME takes the place of ours: a name must not stand there twice. */
        size_t length = strcspn(name, "=") + 1;
        size_t slot = count;
        for (size_t k = 0; k < count; k++) {
            slot = strncmp(environment[k], name, length) == 0 ? k : slot;
        }
        environment[slot] = name;
        count += slot == count ? 1 : 0;
    }
    if (run->program.dynamic) {
        environment[count++] = "LD_PRELOAD=/proc/self/fd/4"; /* WORKLOAD_HOOK */
        environment[count++] = "LD_BIND_NOW=1";
    }
    return environment;
}

int prepare(struct run *run, struct error *err) {
    uint64_t lost = 0;
    if (program_open(&run->program, run->options.program[0], err) < 0 ||
        decide_credentials(run, !run->program.dynamic, program_base_name(run->options.program[0]), &lost, err) < 0) {
        return -1;
    }
    run->steps->use_scratch = run->options.scratch_bytes > 0 || run->options.directory != NULL;
    warn_of_capabilities(run, lost);
    run->environment = make_environment(run);
    if (run->environment == NULL) {
        return fail(err, "internal", ENOMEM, "make the environment");
    }
    /* One page at least: the init of the nested namespace takes it as its empty root. */
    int64_t bytes = run->options.scratch_bytes < 4096 ? 4096 : run->options.scratch_bytes;
    run->scratch = mount_scratch((uint64_t)bytes, run->steps->uid[1], run->steps->gid[1], err);
    if (run->scratch < 0) {
        return -1;
    }
    if (run->program.dynamic) {
        run->hook = sealed_bytes("nsexec-hook", hook_bytes, hook_bytes_length, err);
        run->plan = run->hook < 0 ? -1 : sealed_bytes("nsexec-plan", run->steps, run->steps->size, err);
        if (run->plan < 0) {
            return -1;
        }
    }
    run->null = open("/dev/null", O_RDWR | O_CLOEXEC);
    return run->null < 0 ? fail(err, "internal", errno, "open `/dev/null`") : 0;
}

int prepare_hold(struct run *run, struct error *err) {
    uint64_t lost = 0;
    if (decide_credentials(run, false, "nsexec:lookup", &lost, err) < 0) {
        return -1;
    }
    /* What looks a name up runs no program, and needs none of the target's capabilities; what looks at a path does as the target would. */
    if (run->options.path != NULL) {
        warn_of_capabilities(run, lost);
    }
    run->environment = make_environment(run);
    return run->environment == NULL ? fail(err, "internal", ENOMEM, "make the environment") : 0;
}
