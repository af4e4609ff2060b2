/* A target that does one kind of harm to every process that appears beside it, as fast as it can. What it has won is a line "gained ..."; "ready" when it begins. */
#include "probe.h"
#include "rights.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define PIDS 65536

static volatile sig_atomic_t over;
static FILE *out;
static char done[PIDS];

static void
finish (int number)
{
  (void) number;
  over = 1;
}

static struct rights own;

static void
gained (int pid, const char *what)
{
  fprintf (out, "gained pid=%d %s\n", pid, what);
  fflush (out);
}

/* Whether whoever writes what this process does could do more than we may. */
static int
is_worth_it (int pid)
{
  struct rights rights;
  return rights_of (pid, &rights) && has_more_than (&rights, &own);
}

static void
trace (int pid)
{
  char path[64];
  if (ptrace (PTRACE_SEIZE, pid, 0, 0) == 0)
    {
      if (is_worth_it (pid))
        gained (pid, "traced");
      fprintf (out, "traced %d\n", pid);
      fflush (out);
    }
  snprintf (path, sizeof path, "/proc/%d/mem", pid);
  int fd = open (path, O_RDWR | O_CLOEXEC);
  if (fd >= 0 && is_worth_it (pid))
    gained (pid, "memory");
  if (fd >= 0)
    close (fd);
}

/* Every descriptor, by a copy of it or by its file: kept, and written to. */
static void
take_descriptors (int pid)
{
  static const int forged[3] = { 2, 0, 1 }; /* a message of ours, as far as anybody knows */
  int pidfd = (int) syscall (SYS_pidfd_open, pid, 0);
  for (int fd = 0; fd < 16; fd++)
    {
      char path[64];
      int copy = pidfd < 0 ? -1 : (int) syscall (SYS_pidfd_getfd, pidfd, fd, 0);
      struct stat st;
      if (copy >= 0 && fstat (copy, &st) == 0 && S_ISSOCK (st.st_mode))
        for (int i = 0; i < 8; i++)
          send (copy, forged, sizeof forged, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (copy >= 0)
        fprintf (out, "took %d of %d\n", fd, pid);
      snprintf (path, sizeof path, "/proc/%d/fd/%d", pid, fd);
      int file = open (path, O_WRONLY | O_NONBLOCK | O_APPEND | O_CLOEXEC);
      if (file >= 0 && write (file, "forged by the target\n", 21) == 21)
        fprintf (out, "wrote to %d of %d\n", fd, pid);
    }
  if (pidfd >= 0)
    close (pidfd);
}

static void
rename_device (void)
{
  struct ifreq request = { .ifr_name = "t0" };
  int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  strcpy (request.ifr_newname, "t9");
  if (fd >= 0)
    {
      ioctl (fd, SIOCSIFNAME, &request);
      close (fd);
    }
}

static void
swap_mounts (void)
{
  if (mount ("none", "/data", "tmpfs", 0, NULL) == 0)
    umount2 ("/data", MNT_DETACH);
  if (mount ("/data", "/proc", NULL, MS_BIND, NULL) == 0)
    umount2 ("/proc", MNT_DETACH);
}

static void
each_new (const char *act)
{
  DIR *proc = opendir ("/proc");
  for (struct dirent *e; proc && (e = readdir (proc)) != NULL;)
    {
      int pid = isdigit ((unsigned char) e->d_name[0]) ? atoi (e->d_name) : 0;
      if (pid <= 0 || pid >= PIDS || done[pid])
        continue;
      if (strcmp (act, "trace") == 0)
        trace (pid);
      else if (strcmp (act, "stop") == 0)
        kill (pid, SIGSTOP);
      else if (strcmp (act, "kill") == 0)
        kill (pid, SIGKILL);
      else if (strcmp (act, "descriptors") == 0)
        take_descriptors (pid);
    }
  if (proc)
    closedir (proc);
}

int
probe_attack (int argc, char **argv)
{
  if (argc != 3)
    return 2;
  out = fopen (argv[2], "ae");
  if (! out)
    return probe_failed (argv[2]);
  signal (SIGTERM, finish);
  if (! rights_of (getpid (), &own))
    return probe_failed ("/proc/self/status");
  for (int pid = 0; pid < PIDS; pid++)
    done[pid] = kill (pid, 0) == 0 || errno == EPERM;
  if (strcmp (argv[1], "pids") == 0)
    while (fork () > 0)
      continue;
  fprintf (out, "ready\n");
  fflush (out);
  while (! over)
    if (strcmp (argv[1], "rename") == 0)
      rename_device ();
    else if (strcmp (argv[1], "mounts") == 0)
      swap_mounts ();
    else if (strcmp (argv[1], "pids") == 0)
      pause ();
    else
      each_new (argv[1]);
  return fclose (out) == 0 ? 0 : 1;
}
