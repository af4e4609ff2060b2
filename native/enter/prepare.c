#include "run.h"

#include "base/cleanup.h"
#include "base/files.h"
#include "base/format.h"
#include "base/seal.h"
#include "base/sys.h"
#include "enter/hook-bytes.h"
#include "proc/mount.h"
#include "target/confinement.h"
#include "target/credentials.h"

#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

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
    /* What comes from the root of the tools is in another one in any case. */
    run->steps->join_mnt = run->options.toolbox || run->target.namespaces.inode[NS_MNT] != run->own.inode[NS_MNT];
    run->steps->join_user = choice.own_user;
    memcpy(run->steps->name, name, strnlen(name, sizeof run->steps->name - 1));
    return 0;
}

static void warn_of_capabilities(struct run *run, uint64_t lost) {
    if (lost != 0) {
        event_warn(&run->events, "capabilities", "the target has capabilities that nsexec lacks; the workload does without %llx (hexadecimal)", (unsigned long long)lost);
    }
}

/** Puts bytes behind the steps. Where they are from the beginning on, or 0 without memory. */
static uint32_t append_to_steps(struct run *run, const void *bytes, size_t length) {
    size_t at = (run->steps->size + 7) / 8 * 8;
    struct last_steps *grown = realloc(run->steps, at + length);
    if (grown == NULL) {
        return 0;
    }
    memcpy((char *)grown + at, bytes, length);
    grown->size = (uint32_t)(at + length);
    run->steps = grown;
    return (uint32_t)at;
}

static int put_over_workload(struct run *run, const struct confinement *confinement, struct error *err) {
    char change[PROFILE_BYTES + 16];
    size_t filter_bytes = confinement->filter_count * sizeof *confinement->filter;
    if (getrandom(&run->steps->exec_key, sizeof run->steps->exec_key, 0) != (ssize_t)sizeof run->steps->exec_key) {
        return fail(err, "internal", errno, "make a random number");
    }
    uint32_t at = filter_bytes == 0 ? 0 : append_to_steps(run, confinement->filter, filter_bytes);
    if (at != 0) {
        run->steps->filter_at = at;
        run->steps->filter_count = (uint32_t)confinement->filter_count;
    }
    bool failed = filter_bytes != 0 && at == 0;
    if (confinement->profile[0] != '\0') {
        size_t length = format_text(change, sizeof change, "changeprofile %s", confinement->profile);
        at = append_to_steps(run, change, length);
        run->steps->profile_at = at;
        run->steps->profile_length = at == 0 ? 0 : (uint32_t)length;
        failed = failed || at == 0;
    }
    return failed ? fail(err, "internal", ENOMEM, "remember what confines the target") : 0;
}

static int refuse_or_warn(struct run *run, const char *missing, struct error *err) {
    if (missing[0] == '\0') {
        return 0;
    }
    if (run->options.strict) {
        return fail(err, "confinement", 0, "--strict: the workload would not have what confines the target: %s", missing);
    }
    event_warn(&run->events, "confinement", "the workload will not have what confines the target: %s", missing);
    return 0;
}

/** What confines the target is put over the workload; what cannot be is said before anything begins. */
static int confine_workload(struct run *run, struct error *err) {
    struct confinement confinement;
    if (confinement_read(&confinement, &run->target, err) < 0) {
        confinement_free(&confinement);
        return -1;
    }
    int result = refuse_or_warn(run, confinement.seccomp_missing, err);
    result = result < 0 ? result : refuse_or_warn(run, confinement.lsm_missing, err);
    result = result < 0 ? result : put_over_workload(run, &confinement, err);
    confinement_free(&confinement);
    return result;
}

/**
 * The hook (WORKLOAD_HOOK), and the library that glibc loads when a thread is cancelled or ends by itself: by then it could only be the target's, and is refused. The loader complains
 * of one that is not there, so it is named only where it is.
 */
#define PRELOAD "LD_PRELOAD=/proc/self/fd/4"
static const char *preloads(int toolbox) {
    static const char of_toolbox[] = PRELOAD ":/lib/libgcc_s.so.1";
    static const char *const choices[] = {
#if defined(__x86_64__)
        PRELOAD ":/lib/x86_64-linux-gnu/libgcc_s.so.1",
#else
        PRELOAD ":/lib/aarch64-linux-gnu/libgcc_s.so.1",
#endif
        PRELOAD ":/lib64/libgcc_s.so.1",
        PRELOAD ":/usr/lib/libgcc_s.so.1",
    };
    if (toolbox >= 0) {
        return sys3(__NR_faccessat, toolbox, strchr(of_toolbox, ':') + 2, R_OK) == 0 ? of_toolbox : PRELOAD;
    }
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        if (access(strchr(choices[i], ':') + 1, R_OK) == 0) {
            return choices[i];
        }
    }
    return PRELOAD;
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
    environment[count++] = PROGRAM_PATH;
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
        environment[count++] = preloads(run->options.toolbox ? run->toolbox.mount_fd : -1);
        environment[count++] = "LD_BIND_NOW=1";
    }
    return environment;
}

/** After it has been opened: with the hook what enters, and the environment, depend on how it is linked. */
static int prepare_environment(struct run *run, struct error *err) {
    run->environment = make_environment(run);
    if (run->environment == NULL) {
        return fail(err, "internal", ENOMEM, "make the environment");
    }
    if (run->program.dynamic) {
        run->hook = sealed_bytes("nsexec-hook", hook_bytes, hook_bytes_length, err);
        run->plan = run->hook < 0 ? -1 : sealed_bytes("nsexec-plan", run->steps, run->steps->size, err);
        return run->plan < 0 ? -1 : 0;
    }
    return 0;
}

int prepare_program(struct run *run, struct error *err) {
    const char *name = run->options.program[0];
    if (program_open(&run->program, run->toolbox.mount_fd, name, err) < 0) {
        return -1;
    }
    if (!run->program.dynamic) {
        fail(err, "exec", 0, "%s: it is static, and what comes in a toolbox is not", name);
        err->exit_code = EXIT_NOT_EXECUTABLE;
        return -1;
    }
    return prepare_environment(run, err);
}

int prepare(struct run *run, struct error *err) {
    uint64_t lost = 0;
    bool later = run->options.toolbox;
    if (!later && program_open(&run->program, -1, run->options.program[0], err) < 0) {
        return -1;
    }
    if (decide_credentials(run, !later && !run->program.dynamic, program_base_name(run->options.program[0]), &lost, err) < 0) {
        return -1;
    }
    run->steps->use_scratch = run->options.scratch_bytes > 0 || run->options.directory != NULL;
    warn_of_capabilities(run, lost);
    if (confine_workload(run, err) < 0) {
        return -1;
    }
    if (run->options.scratch_bytes > 0) {
        run->scratch = mount_scratch((uint64_t)run->options.scratch_bytes, run->steps->uid[1], run->steps->gid[1], err);
        if (run->scratch < 0) {
            return -1;
        }
    }
    run->null = open_null(O_RDWR);
    if (run->null < 0) {
        return fail(err, "internal", errno, "open `/dev/null`");
    }
    if ((run->options.orders != NULL || run->name != NULL) && output_open(&run->output, err) < 0) {
        return -1;
    }
    return later ? 0 : prepare_environment(run, err);
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
