#ifndef NSEXEC_HARMLESS_H
#define NSEXEC_HARMLESS_H

/**
 * The caller, and all that it makes, may from now on do nothing but make a process of its own kind or the init of a pid namespace, say something over a descriptor that it has, lay
 * capabilities down, wait, and end: whatever capabilities it has are of no use. Needs CAP_SYS_ADMIN. 0 or -errno.
 */
long become_harmless(void);

/** The same for who opens a list in the workload's pid namespace: it may open files, hand them over, make one process that does so, and end it. Needs no_new_privs. 0 or -errno. */
long become_harmless_opener(void);

#endif
