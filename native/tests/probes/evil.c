/* A library of the target's. Whoever loads it says so, with all that it may do: that is what a hostile image is after. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

__attribute__ ((constructor)) static void
loaded (void)
{
  char line[256];
  FILE *status = fopen ("/proc/self/status", "re");
  int out = open ("/data/loaded", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  dprintf (out, "loaded into %d, uid %d\n", (int) getpid (), (int) geteuid ());
  while (status && fgets (line, sizeof line, status))
    if (strncmp (line, "Cap", 3) == 0 || strncmp (line, "Seccomp", 7) == 0)
      dprintf (out, "%s", line);
}
