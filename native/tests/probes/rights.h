/* What a process may, as a hostile target sees it: whether power over it would be a gain. */
#pragma once

struct rights
{
  unsigned long long permitted; /* capabilities: a bit each */
  long mode, filters;           /* of seccomp: 2 where there are filters, and how many */
};

/* Reads /proc/PID/status once: a process that ends between two reads would look like one without a filter. 0 when there is no such process. */
int rights_of (int pid, struct rights *rights);

/* Whether THEIRS has a capability that OURS has not, or fewer filters. CAP_SYS_ADMIN under the filter that leaves nothing to use it for
   (the test of the filters shows that it does) is no gain. */
int has_more_than (const struct rights *theirs, const struct rights *ours);
