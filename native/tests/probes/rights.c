#include "rights.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static unsigned long long
field (const char *status, const char *key, int base)
{
  const char *at = strstr (status, key);
  return at ? strtoull (at + strlen (key), NULL, base) : 0;
}

int
rights_of (int pid, struct rights *rights)
{
  char path[64], status[8192];
  snprintf (path, sizeof path, "/proc/%d/status", pid);
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? -1 : read (fd, status, sizeof status - 1);
  if (fd >= 0)
    close (fd);
  if (length <= 0)
    return 0;
  status[length] = 0;
  rights->permitted = field (status, "\nCapPrm:", 16);
  rights->mode = (long) field (status, "\nSeccomp:", 10);
  rights->filters = (long) field (status, "\nSeccomp_filters:", 10);
  return 1;
}

int
has_more_than (const struct rights *theirs, const struct rights *ours)
{
  unsigned long long more = theirs->permitted & ~ours->permitted;
  return (more && ! (more == 1ULL << 21 && theirs->mode == 2)) || theirs->filters < ours->filters;
}
