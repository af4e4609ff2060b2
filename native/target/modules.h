#ifndef NSEXEC_TARGET_MODULES_H
#define NSEXEC_TARGET_MODULES_H

#include "base/json.h"

/**
 * What a net fault asks of the node's kernel, as the member `modules` (README, _Events_). Only looked up in /sys/module and in the node's /lib/modules: to try it
 * would load what it finds.
 */
void modules_write(const char *release, struct json *line);

#endif
