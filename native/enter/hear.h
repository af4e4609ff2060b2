#ifndef NSEXEC_HEAR_H
#define NSEXEC_HEAR_H

#include "enter/link.h"
#include "run.h"

/**
 * Waits for a child's message of this kind; MESSAGE_NONE: until the workload goes on in its program, as the link closes then. Meanwhile everything else is taken note of as always. A
 * failure that a child reports, or its death, becomes the error; when the target has ended too, that is the error.
 */
int hear(struct run *run, int link, enum message_kind kind, struct arrival *arrival, struct error *err);

#endif
