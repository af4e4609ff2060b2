/* Shared by the shim and the preload hook: no libc here. */
#include "enter/exec-filter.h"

#include "enter/filter.h"

#include <linux/personality.h>

/* Of headers that are libc's. */
enum { REFUSED = 13 /* EACCES */, NO_SUCH_CALL = 38 /* ENOSYS */, EXECUTABLE = 4 /* PROT_EXEC */, WITHOUT_FILE = 0x20 /* MAP_ANONYMOUS */, SHM_EXECUTABLE = 0100000 /* SHM_EXEC */, QUERY = -1 };

long exec_filter_install(uint64_t key) {
    /* Not const, nor on the stack: that would be copied by memcpy, which the hook has not. */
    static struct sock_filter filter[] = {
        /* Calls of 32 bits, and those of x32, have other numbers for the same. */
        FILTER_LOAD(arch), FILTER_IS(FILTER_ARCHITECTURE, 1, 0), FILTER_REFUSE(NO_SUCH_CALL),
        FILTER_LOAD(nr),
#if defined(__x86_64__)
        FILTER_AT_LEAST(FILTER_X32_BIT, 0, 1), FILTER_REFUSE(NO_SUCH_CALL),
        FILTER_IS(__NR_uselib, 0, 1), FILTER_REFUSE(REFUSED),
#endif
        FILTER_IS(__NR_execve, 0, 1), FILTER_REFUSE(REFUSED),
        FILTER_IS(__NR_mmap, 0, 6),
        FILTER_LOAD_LOW(2), FILTER_HAS(EXECUTABLE, 0, 3), FILTER_LOAD_LOW(3), FILTER_HAS(WITHOUT_FILE, 1, 0), FILTER_REFUSE(REFUSED), FILTER_ALLOW,
        /* What has a file, and what has none, cannot be told apart here. */
        FILTER_IS(__NR_mprotect, 1, 0), FILTER_IS(__NR_pkey_mprotect, 0, 4),
        FILTER_LOAD_LOW(2), FILTER_HAS(EXECUTABLE, 0, 1), FILTER_REFUSE(REFUSED), FILTER_ALLOW,
        FILTER_IS(__NR_shmat, 0, 4),
        FILTER_LOAD_LOW(2), FILTER_HAS(SHM_EXECUTABLE, 0, 1), FILTER_REFUSE(REFUSED), FILTER_ALLOW,
        /* With it, all that may be read may be executed. */
        FILTER_IS(__NR_personality, 0, 5),
        FILTER_LOAD_LOW(0), FILTER_IS(QUERY, 2, 0), FILTER_HAS(READ_IMPLIES_EXEC, 0, 1), FILTER_REFUSE(REFUSED), FILTER_ALLOW,
        FILTER_IS(__NR_execveat, 1, 0), FILTER_ALLOW,
        /* The key's two halves are put in below. */
        FILTER_LOAD_LOW(5), FILTER_IS(0, 0, 3), FILTER_LOAD_HIGH(5), FILTER_IS(0, 0, 1), FILTER_ALLOW, FILTER_REFUSE(REFUSED),
    };
    enum { COUNT = sizeof filter / sizeof *filter };
    filter[COUNT - 5].k = (uint32_t)key;
    filter[COUNT - 3].k = (uint32_t)(key >> 32);
    /* It may have been ours. */
    sys1(__NR_personality, sys1(__NR_personality, 0xffffffff) & ~(long)READ_IMPLIES_EXEC);
    long result = filter_install(filter, COUNT);
    /* In the hook this memory stays. */
    filter[COUNT - 5].k = 0;
    filter[COUNT - 3].k = 0;
    return result;
}
