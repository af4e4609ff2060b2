/*
 * The LD_PRELOAD constructor of a dynamic program. Its loader and libraries are in the agent's image and not in the target (L7), so they
 * are mapped first, and this enters the target as the last thing before main. It has no libc of its own and needs no symbol but
 * `environ`, which glibc and musl both export; it is linked into nsexec as bytes and handed over as a sealed memfd.
 */
#include "base/sys.h"
#include "enter/last-steps.h"

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

/** glibc's: looks the users and hosts of /etc/nsswitch.conf up by what is in it, and not by libraries of the target's, which it would read before it is refused to execute them. */
extern int __nss_configure_lookup(const char *database, const char *services) __attribute__((weak)); /* NOLINT(readability-identifier-naming) */

/* One after the other, each with its end: a table of pointers would have the loader write each of them. */
static const char databases[] = "aliases\0ethers\0group\0gshadow\0hosts\0initgroups\0netgroup\0networks\0passwd\0protocols\0publickey\0rpc\0services\0shadow\0";

static void look_up_by_files(void) {
    for (const char *name = databases; &__nss_configure_lookup != NULL && *name != '\0'; name++) {
        __nss_configure_lookup(name, starts_with(name, "hosts") ? "files dns" : "files");
        while (*name != '\0') {
            name++;
        }
    }
}

/** The supervisor hears of a failure what it would of any other. */
__attribute__((noreturn)) static void give_up(long number) {
    const struct message failed = {.kind = MESSAGE_FAILED, .step = STEP_PLAN, .value = (int32_t)number};
    sys3(__NR_write, WORKLOAD_LINK, &failed, sizeof failed);
    sys_exit(LOST);
}

__attribute__((constructor)) static void enter_the_target(int argc, char **argv, char **envp) {
    (void)argc;
    (void)argv;
    uint32_t size = 0;
    if (sys4(__NR_pread64, WORKLOAD_PLAN, &size, sizeof size, 0) != (long)sizeof size) {
        give_up(5 /* EIO */);
    }
    long map = sys6(__NR_mmap, 0, size, PROT_READ_ONLY, MAP_PRIVATELY, WORKLOAD_PLAN, 0);
    if (map < 0 && map > -4096) {
        give_up(-map);
    }
    const struct last_steps *plan = (const struct last_steps *)map; /* NOLINT(performance-no-int-to-ptr) */
    look_up_by_files();
    become_workload(plan);
    sys5(__NR_prctl, PR_SET_NAME, plan->name, 0, 0, 0);
    sys2(__NR_munmap, map, size);
    char **environment = &environ != NULL && environ != NULL ? environ : envp;
    if (environment != NULL) {
        forget_the_loader(environment);
    }
    const struct message goes_on = {.kind = MESSAGE_GOES_ON};
    sys3(__NR_write, WORKLOAD_LINK, &goes_on, sizeof goes_on);
    sys_close_from(WORKLOAD_LINK, ~0U);
    uint64_t none = 0;
    sys4(__NR_rt_sigprocmask, SET_MASK, &none, 0, SIGNAL_SET_BYTES);
}
