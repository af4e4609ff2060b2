/* target [options] [-- PROGRAM ARG...]: prints the pid of the new process when it is ready, and leaves it behind. Without a program it is
   a pause that ends on TERM.
     --unshare LIST       of user,mnt,pid,net,ipc,uts,cgroup,time
     --join PID:LIST      namespaces of another process instead, e.g. a shared pid namespace
     --cgroup DIR         repeatable; joined before its cgroup namespace is made
     --uid-map A:B:N      and --gid-map, with a user namespace
     --root DIR           pivot_root into it; --proc mounts a proc there, --read-only makes it so
     --volume DIR:NAME    DIR bound to the folder NAME of the root;  --chroot DIR   within it, after it
     --uid N --gid N --groups N,N   --caps INH:PRM:EFF:AMB --bounding HEX   --no-new-privs
     --seccomp            a filter, as a runtime puts it there: unshare(2) ends with EPERM; twice: a second one, of the program itself, that forbids getpriority(2)
     --seccomp-kill       a filter that kills whoever calls write(2)
     --hostname NAME --time-offset SECONDS --oom-score-adj N --comm NAME
     --pid N              the process gets this pid (through ns_last_pid), for reuse */
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

/* Where the parent learns that the child has failed: it says nothing there when all is well. */
static int ready_fd = -1;

void
target_failed (const char *what)
{
  char byte = 'e';
  if (ready_fd >= 0 && write (ready_fd, &byte, 1) != 1)
    _exit (2);
  fprintf (stderr, "target: %s: %s\n", what, strerror (errno));
  _exit (1);
}

static void
write_file (const char *path, const char *text)
{
  int fd = open (path, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write (fd, text, strlen (text)) < 0 || close (fd) < 0)
    target_failed (path);
}

static int
namespace_flags (const char *list)
{
  static const struct
  {
    const char *name;
    int flag;
  } all[] = { { "user", CLONE_NEWUSER }, { "mnt", CLONE_NEWNS }, { "pid", CLONE_NEWPID },       { "net", CLONE_NEWNET },
              { "ipc", CLONE_NEWIPC },   { "uts", CLONE_NEWUTS }, { "cgroup", CLONE_NEWCGROUP }, { "time", CLONE_NEWTIME } };
  int flags = 0;
  for (size_t i = 0; list && i < sizeof all / sizeof *all; i++)
    {
      const char *at = strstr (list, all[i].name);
      size_t n = strlen (all[i].name);
      if (at && (at == list || at[-1] == ',') && (at[n] == ',' || at[n] == '\0'))
        flags |= all[i].flag;
    }
  return flags;
}

static int
parse_list (const char *text, gid_t *values)
{
  int n = 0;
  char *copy = strdup (text);
  for (char *word = strtok (copy, ","); word && n < LIST_LIMIT; word = strtok (NULL, ","))
    values[n++] = (gid_t) strtoul (word, NULL, 10);
  free (copy);
  return n;
}

static void
parse (int argc, char **argv, struct target *t)
{
  for (int i = 1; i < argc; i++)
    {
      const char *name = argv[i];
      if (strcmp (name, "--") == 0)
        {
          t->program = argv + i + 1;
          return;
        }
      if (strcmp (name, "--proc") == 0)
        t->proc = true;
      else if (strcmp (name, "--read-only") == 0)
        t->read_only = true;
      else if (strcmp (name, "--no-new-privs") == 0)
        t->no_new_privs = true;
      else if (strcmp (name, "--seccomp") == 0)
        t->seccomp++;
      else if (strcmp (name, "--seccomp-kill") == 0)
        t->seccomp_kill = true;
      else if (i + 1 == argc)
        exit (2);
      else
        {
          const char *value = argv[++i];
          if (strcmp (name, "--unshare") == 0)
            t->unshare = value;
          else if (strcmp (name, "--join") == 0)
            t->join_pid = atoi (value), t->join = strchr (value, ':') + 1;
          else if (strcmp (name, "--cgroup") == 0 && t->cgroup_count < LIST_LIMIT)
            t->cgroups[t->cgroup_count++] = value;
          else if (strcmp (name, "--uid-map") == 0)
            t->uid_map = value;
          else if (strcmp (name, "--gid-map") == 0)
            t->gid_map = value;
          else if (strcmp (name, "--root") == 0)
            t->root = value;
          else if (strcmp (name, "--chroot") == 0)
            t->chroot = value;
          else if (strcmp (name, "--volume") == 0)
            t->volume = value;
          else if (strcmp (name, "--uid") == 0)
            t->uid = (uid_t) strtoul (value, NULL, 10), t->has_uid = true;
          else if (strcmp (name, "--gid") == 0)
            t->gid = (gid_t) strtoul (value, NULL, 10), t->has_uid = true;
          else if (strcmp (name, "--groups") == 0)
            t->group_count = parse_list (value, t->groups);
          else if (strcmp (name, "--caps") == 0)
            t->has_caps = sscanf (value, "%llx:%llx:%llx:%llx", &t->inheritable, &t->permitted, &t->effective, &t->ambient) == 4;
          else if (strcmp (name, "--bounding") == 0)
            t->bounding = strtoull (value, NULL, 16), t->has_bounding = true;
          else if (strcmp (name, "--hostname") == 0)
            t->hostname = value;
          else if (strcmp (name, "--comm") == 0)
            t->comm = value;
          else if (strcmp (name, "--time-offset") == 0)
            t->time_offset_s = atoll (value);
          else if (strcmp (name, "--oom-score-adj") == 0)
            t->oom_score_adj = atoi (value);
          else if (strcmp (name, "--pid") == 0)
            t->wanted_pid = atoi (value);
          else
            {
              fprintf (stderr, "target: unknown option %s\n", name);
              exit (2);
            }
        }
    }
}

static void
leave (int number)
{
  (void) number;
  _exit (0);
}

/* The child's whole way, once the parent has placed and mapped it. */
static _Noreturn void
become (const struct target *t, int go, int joined)
{
  char byte;
  if (read (go, &byte, 1) != 1)
    _exit (1);
  close (go);
  int flags = namespace_flags (t->join) & ~CLONE_NEWPID;
  if (flags && setns (joined, flags) < 0)
    target_failed ("setns");
  if (flags & CLONE_NEWNS && chdir ("/") < 0)
    target_failed ("chdir");
  if (namespace_flags (t->unshare) & CLONE_NEWCGROUP && unshare (CLONE_NEWCGROUP) < 0)
    target_failed ("unshare cgroup");
  if (t->hostname && sethostname (t->hostname, strlen (t->hostname)) < 0)
    target_failed ("sethostname");
  if (t->oom_score_adj >= -1000 && t->oom_score_adj <= 1000)
    {
      char text[16];
      snprintf (text, sizeof text, "%d", t->oom_score_adj);
      write_file ("/proc/self/oom_score_adj", text);
    }
  if (t->root)
    target_enter_root (t);
  if (setsid () < 0)
    target_failed ("setsid");
  target_take_credentials (t);
  if (t->comm)
    prctl (PR_SET_NAME, t->comm);
  if (t->program)
    {
      execv (t->program[0], t->program);
      target_failed (t->program[0]);
    }
  signal (SIGTERM, leave);
  /* The parent's stdout is our caller's: whoever reads it would wait for us. The ready pipe closes with it. */
  syscall (SYS_close_range, 0, ~0U, 0);
  for (;;)
    pause ();
}

static pid_t
fork_target (const struct target *t, int go)
{
  int flags = namespace_flags (t->unshare);
  if (flags & CLONE_NEWTIME)
    {
      char offsets[64];
      if (unshare (CLONE_NEWTIME) < 0)
        target_failed ("unshare time");
      snprintf (offsets, sizeof offsets, "boottime %lld 0\n", t->time_offset_s);
      write_file ("/proc/self/timens_offsets", offsets);
    }
  int joined = t->join_pid ? (int) syscall (SYS_pidfd_open, t->join_pid, 0) : -1;
  if (t->join_pid && joined < 0)
    target_failed ("pidfd_open");
  /* A pid namespace is for the children; the rest is joined by the child, when we have placed it from here. */
  if (namespace_flags (t->join) & CLONE_NEWPID && setns (joined, CLONE_NEWPID) < 0)
    target_failed ("setns pid");
  if (t->wanted_pid)
    {
      char last[16];
      snprintf (last, sizeof last, "%d", t->wanted_pid - 1);
      write_file ("/proc/sys/kernel/ns_last_pid", last);
    }
  pid_t pid = (pid_t) syscall (SYS_clone, (flags & ~(CLONE_NEWCGROUP | CLONE_NEWTIME)) | SIGCHLD, NULL, NULL, NULL, NULL);
  if (pid == 0)
    become (t, go, joined);
  if (joined >= 0)
    close (joined);
  if (pid < 0)
    target_failed ("clone");
  if (t->wanted_pid && pid != t->wanted_pid)
    {
      kill (pid, SIGKILL);
      fprintf (stderr, "target: got pid %d instead of %d\n", pid, t->wanted_pid);
      exit (3);
    }
  return pid;
}

static void
write_map (pid_t pid, const char *file, const char *map)
{
  char path[64], text[64];
  unsigned inside, outside, count;
  if (! map || sscanf (map, "%u:%u:%u", &inside, &outside, &count) != 3)
    return;
  snprintf (path, sizeof path, "/proc/%d/%s", pid, file);
  snprintf (text, sizeof text, "%u %u %u\n", inside, outside, count);
  write_file (path, text);
}

int
main (int argc, char **argv)
{
  struct target t = { .oom_score_adj = 100000 };
  int go[2], ready[2];
  parse (argc, argv, &t);
  if (t.root && ! (namespace_flags (t.unshare) & CLONE_NEWNS))
    {
      fprintf (stderr, "target: --root needs --unshare mnt\n");
      return 2;
    }
  if (pipe2 (go, O_CLOEXEC) < 0 || pipe2 (ready, O_CLOEXEC) < 0)
    target_failed ("pipe");
  /* The child's end of the ready pipe closes with its exec, or when it is done without one. */
  ready_fd = ready[1];
  pid_t pid = fork_target (&t, go[0]);
  ready_fd = -1;
  close (ready[1]);
  for (int i = 0; i < t.cgroup_count; i++)
    {
      char path[4096], text[16];
      snprintf (path, sizeof path, "%s/cgroup.procs", t.cgroups[i]);
      snprintf (text, sizeof text, "%d", pid);
      write_file (path, text);
    }
  write_map (pid, "uid_map", t.uid_map);
  write_map (pid, "gid_map", t.gid_map);
  char byte = 'g';
  if (write (go[1], &byte, 1) != 1)
    target_failed ("child");
  if (read (ready[0], &byte, 1) != 0)
    return 1;
  printf ("%d\n", pid);
  return 0;
}
