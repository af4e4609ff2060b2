/* Descendants that a supervisor loses when it only knows its child. Every one stays until it is killed. */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
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

static int
other_thread (void *argument)
{
  (void) argument;
  stay ();
}

/* A process goes on without its first thread. */
static void
headless (void)
{
  static _Alignas (16) char stack[65536];
  if (fork () != 0)
    return;
  prctl (PR_SET_NAME, "headless", 0, 0, 0);
  clone (other_thread, stack + sizeof stack, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM, NULL);
  syscall (SYS_exit, 0);
}

/* Called as a shim's file is, as anybody may call one. */
static void
impostor (void)
{
  if (fork () != 0)
    return;
  int from = open ("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  int file = memfd_create ("nsexec", MFD_CLOEXEC);
  while (sendfile (file, from, NULL, 1 << 20) > 0)
    ;
  __atomic_add_fetch (arrived, 1, __ATOMIC_SEQ_CST);
  fexecve (file, (char *[]){ "impostor", "hold", NULL }, (char *[]){ NULL });
  _exit (1);
}

static const struct
{
  const char *name;
  void (*make) (void);
  int members;
} kinds[] = { { "child", child, 1 }, { "ignoring", ignoring, 1 }, { "setsid", session, 1 }, { "daemon", detached, 1 }, { "bomb", bomb, 50 }, { "headless", headless, 1 }, { "impostor", impostor, 1 } };

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
