#ifndef NSEXEC_HOOK_BYTES_H
#define NSEXEC_HOOK_BYTES_H

/** The preload hook, a shared object (hook.c), as part of nsexec. */
extern const unsigned char hook_bytes[];
extern const unsigned long hook_bytes_length;

#endif
