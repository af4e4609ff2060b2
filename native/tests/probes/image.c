/* image [--without NAME]... ROOT LOG TERMINATION_LOG PROGRAM ARG...: executes PROGRAM as a container's runtime does, in a mount namespace of its own whose root is the file system that
   is mounted at ROOT, with an environment that means harm. Over it lie /proc, /sys, /dev (with null and termination-log), and PROGRAM itself at /chaos/nsexec; NAME (proc, null, log,
   sys) is left as ROOT has it.

   LOG gets a line for each file or directory of that file system that anybody opens, reads or executes, on whatever mount and in whatever mount namespace: "open PATH by COMM"; and
   "end", when the program has ended. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>


static char *const environment[] = {
  "PATH=/trap:/bin",    "LD_PRELOAD=/evil.so",    "LD_LIBRARY_PATH=/lib64:/trap", "LD_AUDIT=/evil.so",        "LD_DEBUG=all",         "LD_DEBUG_OUTPUT=/trap/debug",
  "LOCPATH=/trap",      "LANG=de_DE.UTF-8",       "LC_ALL=de_DE.UTF-8",           "GCONV_PATH=/trap",         "TMPDIR=/trap",         "TMP=/trap",
  "HOME=/trap",         "TZ=:/trap/zone",         "TC_LIB_DIR=/usr/lib/tc",       "IP_LIB_DIR=/usr/lib/ip",   "XTABLES_LIBDIR=/trap", "NLSPATH=/trap/%N",
  "RESOLV_HOST_CONF=/trap/hosts", "HOSTALIASES=/trap/hosts", "LOCALDOMAIN=trap", "MALLOC_TRACE=/trap/trace", "GLIBC_TUNABLES=glibc.malloc.check=3", NULL,
};

static void
die (const char *what)
{
  fprintf (stderr, "image: %s: %s\n", what, strerror (errno));
  exit (125);
}

static void
check (int result, const char *what)
{
  if (result < 0)
    die (what);
}

static int
is_left (char **without, const char *name)
{
  for (; *without != NULL; without++)
    if (strcmp (*without, name) == 0)
      return 1;
  return 0;
}

static void
make_dev (char **without, const char *termination_log)
{
  if (is_left (without, "null") && is_left (without, "log"))
    return;
  check (mount ("dev", "dev", "tmpfs", MS_NOSUID, "mode=755,size=64k"), "mount /dev");
  if (is_left (without, "null"))
    check (mkfifo ("dev/null", 0666), "make a FIFO");
  else
    check (mknod ("dev/null", S_IFCHR | 0666, makedev (1, 3)), "make /dev/null");
  if (is_left (without, "log"))
    check (symlink ("/precious", "dev/termination-log"), "make a link");
  else
    {
      check (mknod ("dev/termination-log", S_IFREG | 0666, 0), "make a file");
      check (mount (termination_log, "dev/termination-log", NULL, MS_BIND, NULL), "mount the termination log");
    }
}

static void
watch (int group, int log, int program, int proc)
{
  struct pollfd ready[] = { { .fd = group, .events = POLLIN }, { .fd = program, .events = POLLIN } };
  for (;;)
    {
      char events[4096] __attribute__ ((aligned (8)));
      poll (ready, 2, -1);
      ssize_t n = read (group, events, sizeof events);
      if (n <= 0 && ready[1].revents)
        break;
      const struct fanotify_event_metadata *e = (const void *) events;
      for (; n > 0 && FAN_EVENT_OK (e, n); e = FAN_EVENT_NEXT (e, n))
        {
          char path[64], target[PATH_MAX] = "", comm[32] = "?";
          snprintf (path, sizeof path, "self/fd/%d", e->fd);
          if (readlinkat (proc, path, target, sizeof target - 1) < 0)
            snprintf (target, sizeof target, "?");
          snprintf (path, sizeof path, "%d/comm", (int) e->pid);
          int fd = openat (proc, path, O_RDONLY);
          ssize_t got = fd < 0 ? 0 : read (fd, comm, sizeof comm - 1);
          comm[got > 0 ? got - 1 : 1] = '\0';
          close (fd);
          close (e->fd);
          dprintf (log, "open %s by %s\n", target, comm);
        }
    }
  dprintf (log, "end\n");
}

int
main (int argc, char **argv)
{
  char *without[8] = { NULL };
  int at = 1, left = 0;
  for (; at + 1 < argc && strcmp (argv[at], "--without") == 0 && left < 7; at += 2)
    without[left++] = argv[at + 1];
  if (argc - at < 4)
    return 125;
  const char *root = argv[at], *termination_log = argv[at + 2];
  char *source = realpath (argv[at + 3], NULL);
  int log = open (argv[at + 1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  int proc = open ("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
  int self = (int) syscall (SYS_pidfd_open, getpid (), 0);
  int group = fanotify_init (FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_QUEUE, O_RDONLY | O_NONBLOCK | O_LARGEFILE | O_CLOEXEC);
  check (log, "open the log");
  check (self, "open a pidfd");
  check (group, "make a fanotify group");
  check (unshare (CLONE_NEWNS), "make a mount namespace");
  check (mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "make it private");
  check (chdir (root), "change to the root");
  if (! is_left (without, "proc"))
    check (mount ("/proc", "proc", NULL, MS_BIND | MS_REC, NULL), "mount /proc");
  if (! is_left (without, "sys"))
    check (mount ("/sys", "sys", NULL, MS_BIND | MS_REC, NULL), "mount /sys");
  make_dev (without, termination_log);
  check (mount (source, "chaos/nsexec", NULL, MS_BIND, NULL), "mount the program");
  check ((int) syscall (SYS_pivot_root, ".", "."), "change the root");
  check (umount2 (".", MNT_DETACH), "leave the old root");
  check (chdir ("/trap"), "change to the image's working directory");
  check (fanotify_mark (group, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN | FAN_OPEN_EXEC | FAN_ACCESS | FAN_MODIFY | FAN_ONDIR, AT_FDCWD, "/"), "watch the image");
  pid_t pid = fork ();
  check (pid, "fork");
  if (pid == 0)
    {
      /* Of nobody's: the program's children are its own alone. */
      if (fork () != 0)
        _exit (0);
      for (int fd = 0; fd < 3; fd++)
        close (fd);
      signal (SIGHUP, SIG_IGN);
      watch (group, log, self, proc);
      _exit (0);
    }
  while (waitpid (pid, NULL, 0) < 0 && errno == EINTR)
    ;
  argv[at + 3] = "nsexec";
  execve ("/chaos/nsexec", argv + at + 3, environment);
  die ("execute the program");
  return 125;
}
