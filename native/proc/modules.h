#ifndef NSEXEC_MODULES_H
#define NSEXEC_MODULES_H

#include "base/span.h"

/**
 * Whether a list of a kernel's modules has this one: modules.builtin has a path on each line, `kernel/net/sched/sch_netem.ko`, and modules.dep
 * one before a colon, which may be compressed: `kernel/net/sched/sch_netem.ko.xz: …`. modules.dep(5)
 */
bool proc_lists_module(struct span list, const char *name);

#endif
