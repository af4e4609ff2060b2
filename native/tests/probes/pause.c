/* A distroless container's only program: stays until TERM, reaps what is given to it. */
#include <signal.h>
#include <unistd.h>

static void
leave (int number)
{
  (void) number;
  _exit (0);
}

int
main (void)
{
  struct sigaction reap = { .sa_handler = SIG_IGN };
  struct sigaction end = { .sa_handler = leave };
  sigaction (SIGCHLD, &reap, NULL);
  sigaction (SIGTERM, &end, NULL);
  for (;;)
    pause ();
}
