/* What a workload or a target makes in its IPC namespace, and leaves there. */
#include "probe.h"

#include <fcntl.h>
#include <mqueue.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

static int
make_queue (const char *name)
{
  struct mq_attr attributes = { .mq_maxmsg = 1, .mq_msgsize = 16 };
  return mq_open (name, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
}

/* By a child that is dead before the next is made: a workload of many processes leaves what nobody alive has made. */
static int
make (const char *what)
{
  pid_t pid = fork ();
  if (pid == 0)
    {
      int made = -1;
      if (strcmp (what, "shm") == 0)
        made = shmget (IPC_PRIVATE, 4096, 0600 | IPC_CREAT);
      else if (strcmp (what, "sem") == 0)
        made = semget (IPC_PRIVATE, 2, 0600 | IPC_CREAT);
      else if (strcmp (what, "msg") == 0)
        made = msgget (IPC_PRIVATE, 0600 | IPC_CREAT);
      else if (what[0] == '/')
        made = make_queue (what);
      _exit (made < 0 ? probe_failed (what) : 0);
    }
  int status = 1;
  return pid < 0 || waitpid (pid, &status, 0) < 0 || status != 0;
}

/* ipc WHAT... [exit], WHAT: shm, sem, msg, /QUEUE, attach=ID */
int
probe_ipc (int argc, char **argv)
{
  for (int a = 1; a < argc; a++)
    if (strcmp (argv[a], "exit") == 0)
      return 0;
    else if (strncmp (argv[a], "attach=", 7) == 0)
      {
        if (shmat ((int) probe_number (argv[a] + 7), NULL, SHM_RDONLY) == (void *) -1)
          return probe_failed ("shmat");
      }
    else if (make (argv[a]) != 0)
      return 1;
  printf ("made\n");
  fflush (stdout);
  probe_wait ();
}
