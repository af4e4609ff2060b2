/* Ends of every kind, and what arrives before the end. */
#include "probe.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

int
probe_exit (int argc, char **argv)
{
  return argc == 2 ? (int) probe_number (argv[1]) : 2;
}

int
probe_die (int argc, char **argv)
{
  int number = argc == 2 ? (int) probe_number (argv[1]) : 0;
  struct rlimit none = { 0, 0 };
  setrlimit (RLIMIT_CORE, &none);
  /* By system call: libc keeps 32 and 33 to itself. */
  unsigned long long all = 0;
  syscall (SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, 8);
  syscall (SYS_kill, getpid (), number);
  return 99; /* a signal that does not kill */
}

/* Only async-signal-safe calls here: the line is built by hand. */
static void
say (int number)
{
  char line[16] = "signal ", digits[4];
  size_t n = 0, at = 7;
  for (int rest = number; rest > 0; rest /= 10)
    digits[n++] = (char) ('0' + rest % 10);
  while (n > 0)
    line[at++] = digits[--n];
  line[at++] = '\n';
  if (write (STDOUT_FILENO, line, at) < 0 || number == SIGTERM)
    _exit (0);
}

int
probe_signals (int argc, char **argv)
{
  (void) argc, (void) argv;
  struct sigaction action = { .sa_handler = say, .sa_flags = SA_RESTART };
  sigfillset (&action.sa_mask);
  for (int n = 1; n <= 64; n++)
    if (n != SIGKILL && n != SIGSTOP && n != 32 && n != 33)
      sigaction (n, &action, NULL);
  printf ("ready\n");
  fflush (stdout);
  probe_wait ();
}

int
probe_ignore (int argc, char **argv)
{
  (void) argc, (void) argv;
  signal (SIGTERM, SIG_IGN);
  signal (SIGINT, SIG_IGN);
  signal (SIGHUP, SIG_IGN);
  printf ("ready\n");
  fflush (stdout);
  probe_wait ();
}

int
probe_deaf (int argc, char **argv)
{
  unsigned long action[4] = { (unsigned long) SIG_IGN };
  for (int n = 32; n <= 33; n++)
    if (argc < 2 || syscall (SYS_rt_sigaction, n, action, NULL, 8) < 0)
      return 2;
  execvp (argv[1], argv + 1);
  return probe_failed (argv[1]);
}
