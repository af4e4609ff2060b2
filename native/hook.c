/*
 * The LD_PRELOAD constructor of a dynamic program. Its loader and libraries are in the agent's image and not in the target (L7), so they
 * are mapped first, and this enters the target as the last thing before main. It has no libc of its own and needs no symbol but
 * `environ`, which glibc and musl both export; it is linked into nsexec as bytes and handed over as a sealed memfd.
 */
#include "last-steps.h"
#include "sys.h"

#include <linux/prctl.h>

extern char **environ __attribute__((weak));

enum { PROT_READ_ONLY = 1, MAP_PRIVATELY = 2, SIGNAL_SET_BYTES = 8, SET_MASK = 2, LOST = 125 };

static int starts_with(const char *text, const char *prefix) {
    while (*prefix != '\0') {
        if (*text++ != *prefix++) {
            return 0;
        }
    }
    return 1;
}

/** Neither the workload's children nor the workload itself should see how it was loaded. */
static void forget_the_loader(char **environment) {
    char **kept = environment;
    for (char **entry = environment; *entry != NULL; entry++) {
        if (!starts_with(*entry, "LD_PRELOAD=") && !starts_with(*entry, "LD_BIND_NOW=")) {
            *kept++ = *entry;
        }
    }
    *kept = NULL;
}

__attribute__((noreturn)) static void give_up(const struct message *failed) {
    sys6(__NR_sendto, WORKLOAD_LINK, (long)failed, sizeof *failed, 0x4000 /* MSG_NOSIGNAL */, 0, 0);
    sys_exit(LOST);
}

__attribute__((constructor)) static void enter_the_target(int argc, char **argv, char **envp) {
    (void)argc;
    (void)argv;
    struct message failed = {.kind = MESSAGE_FAILED, .step = STEP_PLAN, .value = 5 /* EIO */};
    uint32_t size = 0;
    if (sys4(__NR_pread64, WORKLOAD_PLAN, &size, sizeof size, 0) != (long)sizeof size) {
        give_up(&failed);
    }
    long map = sys6(__NR_mmap, 0, size, PROT_READ_ONLY, MAP_PRIVATELY, WORKLOAD_PLAN, 0);
    if (map < 0 && map > -4096) {
        failed.value = (int32_t)-map;
        give_up(&failed);
    }
    const struct last_steps *plan = (const struct last_steps *)map; /* NOLINT(performance-no-int-to-ptr) */
    if (take_last_steps(plan, &failed) < 0) {
        give_up(&failed);
    }
    sys5(__NR_prctl, PR_SET_NAME, plan->name, 0, 0, 0);
    sys2(__NR_munmap, map, size);
    if (hold_for_go() < 0) {
        sys_exit(LOST);
    }
    char **environment = &environ != NULL && environ != NULL ? environ : envp;
    if (environment != NULL) {
        forget_the_loader(environment);
    }
    sys_close_from(WORKLOAD_LINK, ~0U);
    sys5(__NR_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
    uint64_t none = 0;
    sys4(__NR_rt_sigprocmask, SET_MASK, &none, 0, SIGNAL_SET_BYTES);
}
