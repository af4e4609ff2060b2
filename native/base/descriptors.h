#ifndef NSEXEC_DESCRIPTORS_H
#define NSEXEC_DESCRIPTORS_H

#include <stddef.h>

/** Closes every descriptor from this number on but these, in any order; -1 is passed over. System calls only. */
void close_all_but(int from, const int *kept, size_t count);

#endif
