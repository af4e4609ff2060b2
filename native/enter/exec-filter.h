#ifndef NSEXEC_EXEC_FILTER_H
#define NSEXEC_EXEC_FILTER_H

#include <stdint.h>

/**
 * From now on no file is mapped executable into the caller, nor into what it makes, and no program is executed: whatever looks for code among the target's files (NSS, gconv, dlopen,
 * libgcc_s at the end of a thread) does not get it, and fails as it would if the file were not there (EACCES). Memory without a file may be executable. One execveat passes,
 * that of a static program: it carries `key`, a random number, as a sixth argument, which the kernel does not look at. Needs CAP_SYS_ADMIN or no_new_privs. 0 or -errno.
 */
long exec_filter_install(uint64_t key);

#endif
