/* Descendants that a supervisor loses when it only knows its child. Every one stays until it is killed. */
#include "probe.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define BOMB_LIMIT 200 /* processes of a fork bomb; it stops there, or at the target's pids limit */

/* Shared by the whole family: how many have come to their place. */
static int *arrived;

static _Noreturn void
stay (void)
{
  __atomic_add_fetch (arrived, 1, __ATOMIC_SEQ_CST);
  probe_wait ();
}

static void
child (void)
{
  if (fork () == 0)
    stay ();
}

static void
ignoring (void)
{
  if (fork () == 0)
    {
      for (int n = 1; n <= 64; n++)
        signal (n, SIG_IGN);
      stay ();
    }
}

static void
session (void)
{
  if (fork () == 0)
    {
      setsid ();
      stay ();
    }
}

/* As daemon(3): its parent is gone, it leads nothing, and it holds none of our descriptors. */
static void
detached (void)
{
  if (fork () == 0)
    {
      setsid ();
      if (fork () == 0)
        {
          for (int fd = 0; fd < 64; fd++)
            close (fd);
          prctl (PR_SET_PDEATHSIG, 0);
          signal (SIGHUP, SIG_IGN);
          stay ();
        }
      _exit (0);
    }
}

static void
bomb (void)
{
  if (fork () != 0)
    return;
  signal (SIGTERM, SIG_IGN);
  /* Each one doubles until the count is reached: by then nobody knows the whole tree. */
  while (__atomic_add_fetch (&arrived[1], 1, __ATOMIC_SEQ_CST) <= BOMB_LIMIT)
    if (fork () < 0)
      break;
  stay ();
}

static const struct
{
  const char *name;
  void (*make) (void);
  int members;
} kinds[] = { { "child", child, 1 }, { "ignoring", ignoring, 1 }, { "setsid", session, 1 }, { "daemon", detached, 1 }, { "bomb", bomb, 50 } };

int
probe_family (int argc, char **argv)
{
  int expected = 0, leave = 0;
  arrived = mmap (NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (arrived == MAP_FAILED)
    return probe_failed ("mmap");
  for (int a = 1; a < argc; a++)
    {
      leave = strcmp (argv[a], "exit") == 0;
      for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (strcmp (argv[a], kinds[k].name) == 0)
          {
            kinds[k].make ();
            expected += kinds[k].members;
          }
    }
  while (__atomic_load_n (arrived, __ATOMIC_SEQ_CST) < expected)
    usleep (1000);
  printf ("family of %d\n", expected);
  fflush (stdout);
  if (leave)
    return 0;
  probe_wait ();
}
