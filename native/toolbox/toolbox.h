#ifndef NSEXEC_TOOLBOX_H
#define NSEXEC_TOOLBOX_H

#include <stdbool.h>

struct toolbox {
    int mount_fd;
    bool ready;
};
#define TOOLBOX_NONE ((struct toolbox){.mount_fd = -1})

#endif
