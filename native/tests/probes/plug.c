/* plug KIND PROGRAM ARG...: runs the program with a stdout that takes nothing, in place of this process.
     full     a pipe that is full from the first byte on and that nobody reads, while somebody holds its other end
     hangup   a pipe that nobody holds any more */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int
fill (int fd)
{
  static const char block[4096];
  if (fcntl (fd, F_SETPIPE_SZ, 4096) < 0 || fcntl (fd, F_SETFL, O_NONBLOCK) < 0)
    return -1;
  while (write (fd, block, sizeof block) > 0)
    ;
  return errno == EAGAIN ? fcntl (fd, F_SETFL, 0) : -1;
}

/* Held by an orphan, so that the program has no child it does not know; it ends when the last writer does. */
static int
hold (int reader, int writer)
{
  pid_t pid = fork ();
  if (pid != 0)
    return pid;
  close (writer);
  if (fork () != 0)
    _exit (0);
  for (int fd = 0; fd < 64; fd++)
    if (fd != reader)
      close (fd);
  struct pollfd p = { reader, 0, 0 };
  while (poll (&p, 1, -1) < 0 && errno == EINTR)
    ;
  _exit (0);
}

int
main (int argc, char **argv)
{
  int ends[2];
  if (argc < 3 || pipe (ends) < 0)
    return 2;
  int full = strcmp (argv[1], "full") == 0;
  if (full && (fill (ends[1]) < 0 || hold (ends[0], ends[1]) < 0))
    {
      fprintf (stderr, "plug: %s\n", strerror (errno));
      return 2;
    }
  close (ends[0]);
  dup2 (ends[1], STDOUT_FILENO);
  close (ends[1]);
  /* The middle child of hold() must not be found by the program: it is waited for here. */
  while (full && wait (NULL) > 0)
    ;
  execvp (argv[2], argv + 2);
  fprintf (stderr, "plug: %s: %s\n", argv[2], strerror (errno));
  return 127;
}
