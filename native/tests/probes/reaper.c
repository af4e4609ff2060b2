/* reaper PROGRAM ARG...: everything that the tests start and lose comes to us instead of to the machine's init. Ends with the program's
   status, after killing what was left of its descendants. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Kills our children, whose own children then come to us, until there are none. */
static void
kill_the_rest (void)
{
  for (;;)
    {
      FILE *f = fopen ("/proc/thread-self/children", "re");
      int pid, any = 0;
      while (f && fscanf (f, "%d", &pid) == 1)
        {
          kill (pid, SIGKILL);
          any = 1;
        }
      if (f)
        fclose (f);
      if (! any)
        return;
      waitpid (-1, NULL, 0);
    }
}

int
main (int argc, char **argv)
{
  if (argc < 2 || prctl (PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
    return 2;
  pid_t program = fork ();
  if (program == 0)
    {
      execvp (argv[1], argv + 1);
      fprintf (stderr, "reaper: %s: %s\n", argv[1], strerror (errno));
      _exit (127);
    }
  /* A terminal sends its signals to the whole group: the program ends by itself, and we after it. */
  signal (SIGINT, SIG_IGN);
  signal (SIGTERM, SIG_IGN);
  int status = 0;
  for (pid_t gone; (gone = waitpid (-1, &status, 0)) != program;)
    if (gone < 0 && errno != EINTR)
      return 2;
  kill_the_rest ();
  return WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status);
}
