/* tripwire OPTION... -- PROGRAM ARG...: stops the program's first thread at the entry of a chosen system call. Makes races certain.
     --at NAME[:NUMBER|:TEXT]   stop there: the call whose first argument is NUMBER, or whose path ends in TEXT (openat stands for open too)
     --nth N                    at the N-th such call (default 1)
     --tripped FILE --go FIFO   while it is stopped: write its pid to FILE, and go on when a line comes from FIFO
     --kill-at N                instead: kill it at its N-th system call of any name
     --count FILE               write how many system calls it made
   Ends with the program's status (128+n for a signal). */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/ptrace.h>

static const struct
{
  const char *name;
  long number;
  int path_argument; /* which argument is a path; -1: none */
} calls[] = {
  { "pidfd_open", SYS_pidfd_open, -1 }, { "openat", SYS_openat, 1 },     { "setns", SYS_setns, -1 },     { "clone3", SYS_clone3, -1 },
  { "execveat", SYS_execveat, -1 },     { "fsmount", SYS_fsmount, -1 },  { "poll", SYS_ppoll, -1 },      { "write", SYS_write, -1 },
  { "readlinkat", SYS_readlinkat, 1 },  { "waitid", SYS_waitid, -1 },    { "openat2", SYS_openat2, 1 },
};

struct wire
{
  long number;
  int path_argument;
  const char *wanted;
  long nth, kill_at;
  const char *tripped, *go, *count;
};

static int
ends_in (pid_t pid, unsigned long long address, const char *text)
{
  char path[512] = "";
  struct iovec local = { path, sizeof path - 1 }, remote = { (void *) (unsigned long) address, sizeof path - 1 };
  /* A path near the end of a page: what follows it may not be readable. */
  while (remote.iov_len > 0 && process_vm_readv (pid, &local, 1, &remote, 1, 0) < 0)
    remote.iov_len /= 2;
  size_t n = strlen (path), m = strlen (text);
  return n >= m && strcmp (path + n - m, text) == 0;
}

/* The path argument of an open of any kind, or -1: libcs differ in which one they use. */
static int
open_path_argument (unsigned long long number)
{
#ifdef SYS_open
  if (number == SYS_open)
    return 0;
#endif
  return number == SYS_openat || number == SYS_openat2 ? 1 : -1;
}

static int
matches (pid_t pid, const struct wire *w, const struct ptrace_syscall_info *info)
{
  int path = w->number == SYS_openat && w->wanted ? open_path_argument (info->entry.nr) : -1;
  if (path >= 0)
    return ends_in (pid, info->entry.args[path], w->wanted);
  if (w->number < 0 || info->entry.nr != (unsigned long long) w->number)
    return 0;
  if (! w->wanted)
    return 1;
  if (w->path_argument >= 0)
    return ends_in (pid, info->entry.args[w->path_argument], w->wanted);
  return info->entry.args[0] == strtoull (w->wanted, NULL, 0);
}

static void
trip (pid_t pid, const struct wire *w)
{
  char line[16];
  FILE *f = fopen (w->tripped, "we");
  if (f)
    {
      fprintf (f, "%d\n", pid);
      fclose (f);
    }
  f = fopen (w->go, "re");
  if (! f || ! fgets (line, sizeof line, f))
    fprintf (stderr, "tripwire: %s: nothing read\n", w->go);
  if (f)
    fclose (f);
}

static int
follow (pid_t pid, struct wire *w)
{
  int status, tracing = 1;
  long seen = 0;
  for (;;)
    {
      if (waitpid (pid, &status, 0) < 0)
        return 2;
      if (WIFEXITED (status) || WIFSIGNALED (status))
        break;
      int deliver = WSTOPSIG (status);
      if (deliver == (SIGTRAP | 0x80))
        {
          struct ptrace_syscall_info info = { 0 };
          ptrace (PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info);
          deliver = 0;
          if (info.op == PTRACE_SYSCALL_INFO_ENTRY && ++seen == w->kill_at)
            kill (pid, SIGKILL);
          else if (info.op == PTRACE_SYSCALL_INFO_ENTRY && matches (pid, w, &info) && --w->nth == 0)
            {
              trip (pid, w);
              tracing = 0;
            }
        }
      else if (status >> 16 != 0 || deliver == SIGTRAP)
        deliver = 0; /* an event of our own */
      ptrace (tracing ? PTRACE_SYSCALL : PTRACE_DETACH, pid, NULL, deliver);
      if (! tracing && waitpid (pid, &status, 0) == pid)
        break;
    }
  FILE *f = w->count ? fopen (w->count, "we") : NULL;
  if (f)
    {
      fprintf (f, "%ld\n", seen);
      fclose (f);
    }
  return WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status);
}

int
main (int argc, char **argv)
{
  struct wire w = { .number = -1, .nth = 1 };
  int i = 1;
  for (; i + 1 < argc && strcmp (argv[i], "--") != 0; i += 2)
    {
      char *value = argv[i + 1];
      if (strcmp (argv[i], "--at") == 0)
        {
          char *colon = strchr (value, ':');
          if (colon)
            *colon = '\0', w.wanted = colon + 1;
          for (size_t c = 0; c < sizeof calls / sizeof *calls; c++)
            if (strcmp (calls[c].name, value) == 0)
              w.number = calls[c].number, w.path_argument = calls[c].path_argument;
        }
      else if (strcmp (argv[i], "--nth") == 0)
        w.nth = atol (value);
      else if (strcmp (argv[i], "--tripped") == 0)
        w.tripped = value;
      else if (strcmp (argv[i], "--go") == 0)
        w.go = value;
      else if (strcmp (argv[i], "--kill-at") == 0)
        w.kill_at = atol (value);
      else if (strcmp (argv[i], "--count") == 0)
        w.count = value;
    }
  if (i + 1 >= argc || (w.number < 0 && ! w.kill_at && ! w.count))
    {
      fprintf (stderr, "usage: in tripwire.c\n");
      return 2;
    }
  pid_t pid = fork ();
  if (pid == 0)
    {
      ptrace (PTRACE_TRACEME, 0, NULL, NULL);
      raise (SIGSTOP);
      execvp (argv[i + 1], argv + i + 1);
      fprintf (stderr, "tripwire: %s: %s\n", argv[i + 1], strerror (errno));
      _exit (127);
    }
  int status;
  waitpid (pid, &status, 0);
  ptrace (PTRACE_SETOPTIONS, pid, NULL, (void *) (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL));
  ptrace (PTRACE_SYSCALL, pid, NULL, NULL);
  return follow (pid, &w);
}
