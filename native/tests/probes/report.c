/* Who and where am I. Everything that a system call tells is asked of a system call, since a target's root may have no /proc. */
#include "probe.h"

#include <errno.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static void
report_ids (void)
{
  uid_t r, e, s;
  gid_t groups[256];
  if (getresuid (&r, &e, &s) == 0)
    printf ("uid=%u %u %u\n", r, e, s);
  if (getresgid (&r, &e, &s) == 0)
    printf ("gid=%u %u %u\n", r, e, s);
  int n = getgroups (256, groups);
  printf ("groups=");
  for (int i = 0; i < n; i++)
    printf ("%s%u", i ? " " : "", groups[i]);
  printf ("\npid=%d\nppid=%d\nsid=%d\npgrp=%d\n", getpid (), getppid (), getsid (0), getpgrp ());
}

static void
report_capabilities (void)
{
  struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
  struct __user_cap_data_struct data[2] = { 0 };
  unsigned long long bounding = 0, ambient = 0;
  if (syscall (SYS_capget, &header, data) == 0)
    printf ("cap_inheritable=%08x%08x\ncap_permitted=%08x%08x\ncap_effective=%08x%08x\n", data[1].inheritable, data[0].inheritable,
            data[1].permitted, data[0].permitted, data[1].effective, data[0].effective);
  for (int cap = 0; cap < 64; cap++)
    {
      if (prctl (PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
        bounding |= 1ULL << cap;
      if (prctl (PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) == 1)
        ambient |= 1ULL << cap;
    }
  printf ("cap_bounding=%016llx\ncap_ambient=%016llx\n", bounding, ambient);
  printf ("no_new_privs=%d\nsecurebits=%d\ndumpable=%d\n", prctl (PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), prctl (PR_GET_SECUREBITS, 0, 0, 0, 0),
          prctl (PR_GET_DUMPABLE, 0, 0, 0, 0));
}

static void
report_namespaces (void)
{
  static const char *const names[] = { "user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time" };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    {
      char path[64];
      struct stat st;
      snprintf (path, sizeof path, "/proc/self/ns/%s", names[i]);
      if (stat (path, &st) == 0)
        printf ("ns_%s=%lu\n", names[i], (unsigned long) st.st_ino);
    }
  struct utsname u;
  if (uname (&u) == 0)
    printf ("hostname=%s\n", u.nodename);
  struct timespec now;
  if (clock_gettime (CLOCK_BOOTTIME, &now) == 0)
    printf ("boottime=%ld\n", (long) now.tv_sec);
}

static void
report_files (void)
{
  struct stat st;
  char cwd[4096];
  if (stat (".", &st) == 0)
    printf ("cwd_id=%lx:%lu\n", (unsigned long) st.st_dev, (unsigned long) st.st_ino);
  if (stat ("/", &st) == 0)
    printf ("root_id=%lx:%lu\n", (unsigned long) st.st_dev, (unsigned long) st.st_ino);
  printf ("cwd=%s\n", getcwd (cwd, sizeof cwd) ? cwd : strerror (errno));
  for (int fd = 0; fd < 4096; fd++)
    if (fstat (fd, &st) == 0)
      printf ("fd=%d %o %lx:%lu flags=%o\n", fd, st.st_mode & S_IFMT, (unsigned long) st.st_dev, (unsigned long) st.st_ino,
              (unsigned) fcntl (fd, F_GETFL));
  mode_t mask = umask (0);
  umask (mask);
  struct rlimit limit = { 0 };
  getrlimit (RLIMIT_NOFILE, &limit);
  printf ("umask=%03o\nnofile=%llu %llu\n", mask, (unsigned long long) limit.rlim_cur, (unsigned long long) limit.rlim_max);
}

static void
report_signals (void)
{
  sigset_t blocked;
  unsigned long long mask = 0, ignored = 0;
  sigprocmask (SIG_SETMASK, NULL, &blocked);
  for (int n = 1; n <= 64; n++)
    {
      unsigned long action[4] = { 0 }; /* By system call: libc keeps 32 and 33 to itself. */
      if (sigismember (&blocked, n) == 1)
        mask |= 1ULL << (n - 1);
      if (syscall (SYS_rt_sigaction, n, NULL, action, 8) == 0 && action[0] == (unsigned long) SIG_IGN)
        ignored |= 1ULL << (n - 1);
    }
  int death = 0;
  prctl (PR_GET_PDEATHSIG, &death, 0, 0, 0);
  printf ("sig_blocked=%llx\nsig_ignored=%llx\npdeathsig=%d\n", mask, ignored, death);
}

static void
report_file_lines (const char *path, const char *key)
{
  FILE *f = fopen (path, "re");
  char line[4096];
  while (f && fgets (line, sizeof line, f))
    printf ("%s=%s%s", key, line, strchr (line, '\n') ? "" : "\n");
  if (f)
    fclose (f);
}

int
probe_report (int argc, char **argv)
{
  report_ids ();
  report_capabilities ();
  report_namespaces ();
  report_files (); /* before any file of our own is open */
  report_signals ();
  report_file_lines ("/proc/self/cgroup", "cgroup");
  report_file_lines ("/proc/self/oom_score_adj", "oom_score_adj");
  for (char **e = environ; *e; e++)
    printf ("env=%s\n", *e);
  for (int i = 1; i < argc; i++)
    printf ("arg=%s\n", argv[i]);
  printf ("reported\n");
  return fflush (stdout) == 0 ? 0 : probe_failed ("stdout");
}

static void
leave (int signal_number)
{
  (void) signal_number;
  _exit (0);
}

int
probe_hold (int argc, char **argv)
{
  signal (SIGTERM, leave);
  if (probe_report (argc, argv) != 0)
    return 1;
  probe_wait ();
}

int
probe_parent (int argc, char **argv)
{
  struct stat st;
  int fd = argc == 2 ? open (argv[1], O_RDONLY | O_CLOEXEC) : -1;
  int parent = fd < 0 ? -1 : ioctl (fd, NS_GET_PARENT);
  if (parent < 0 || fstat (parent, &st) < 0)
    return probe_failed ("parent");
  printf ("%lu\n", (unsigned long) st.st_ino);
  return 0;
}

int
probe_unshare (int argc, char **argv)
{
  (void) argv;
  int result = argc == 1 ? unshare (CLONE_NEWUSER) : -1;
  fprintf (stderr, "unshare=%s\n", result == 0 ? "Success" : strerror (errno));
  return 0;
}

int
probe_lay_down (int argc, char **argv)
{
  struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
  struct __user_cap_data_struct none[2] = { { 0 }, { 0 } };
  if (argc != 2)
    return 2;
  while (access (argv[1], F_OK) != 0)
    poll (NULL, 0, 5);
  if (syscall (SYS_capset, &header, none) < 0)
    return probe_failed ("capset");
  probe_wait ();
}
