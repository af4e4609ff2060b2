/* A target that means harm: what can it reach through the processes that appear beside it? Every success is a line "breach ...". */
#include "probe.h"
#include "rights.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEPT_LIMIT 512

static volatile sig_atomic_t over;
static FILE *out;
static const char *marker;
static int kept[KEPT_LIMIT], kept_count;
static struct rights own;

static void
finish (int number)
{
  (void) number;
  over = 1;
}

/* The value of KEY in /proc/PID/status into VALUE; an empty string when the process has gone. */
static void
status_field (const char *pid, const char *key, char *value, size_t size)
{
  char path[300], line[256];
  snprintf (path, sizeof path, "/proc/%s/status", pid);
  FILE *f = fopen (path, "re");
  value[0] = '\0';
  while (f && fgets (line, sizeof line, f))
    if (strncmp (line, key, strlen (key)) == 0)
      {
        snprintf (value, size, "%s", line + strlen (key) + strspn (line + strlen (key), ": \t"));
        value[strcspn (value, "\n")] = '\0';
      }
  if (f)
    fclose (f);
}

static void
breach (const char *pid, const char *what, const char *detail)
{
  char comm[64];
  status_field (pid, "Name", comm, sizeof comm);
  fprintf (out, "breach %s pid=%s comm=%s %s\n", what, pid, comm, detail);
  fflush (out);
}

static void
try_write (const char *pid, const char *path, const char *what)
{
  static const int modes[] = { O_WRONLY, O_RDWR | O_TRUNC };
  for (size_t i = 0; i < 2; i++)
    {
      int fd = open (path, modes[i] | O_CLOEXEC | O_NONBLOCK);
      if (fd < 0)
        continue;
      /* A sealed file opens for writing and refuses the write. The byte is the one that every program begins with. */
      if (modes[i] & O_TRUNC || pwrite (fd, "\177", 1, 0) == 1)
        breach (pid, what, i ? "O_RDWR|O_TRUNC" : "O_WRONLY");
      close (fd);
    }
}

static void
look_at_exe (const char *pid)
{
  char path[300], link[512];
  snprintf (path, sizeof path, "/proc/%s/exe", pid);
  int fd = open (path, O_PATH | O_CLOEXEC);
  if (fd < 0)
    return;
  ssize_t n = readlink (path, link, sizeof link - 1);
  link[n < 0 ? 0 : n] = '\0';
  struct stat st, other;
  int known = fstat (fd, &st) != 0;
  for (int i = 0; i < kept_count && ! known; i++)
    known = fstat (kept[i], &other) == 0 && other.st_dev == st.st_dev && other.st_ino == st.st_ino;
  try_write (pid, path, "exe");
  if (known || kept_count == KEPT_LIMIT)
    close (fd);
  else
    {
      kept[kept_count++] = fd;
      fprintf (out, "exe pid=%s %s\n", pid, link);
      fflush (out);
    }
}

/* A /proc that is not ours to see, at this place or above it: from there /proc/1/root leads anywhere. */
static void
look_for_proc (const char *pid, const char *place)
{
  char path[700];
  struct stat st;
  for (int up = 0; up < 2; up++)
    {
      snprintf (path, sizeof path, "%s%s/1/status", place, up ? "/.." : "");
      if (stat (path, &st) == 0)
        breach (pid, "proc", path);
    }
}

static void
look_at_files (const char *pid)
{
  char path[600], link[512];
  snprintf (path, sizeof path, "/proc/%s/fd", pid);
  DIR *dir = opendir (path);
  for (struct dirent *e; dir && (e = readdir (dir)) != NULL;)
    {
      if (e->d_name[0] == '.')
        continue;
      snprintf (path, sizeof path, "/proc/%s/fd/%s", pid, e->d_name);
      ssize_t n = readlink (path, link, sizeof link - 1);
      link[n < 0 ? 0 : n] = '\0';
      /* The copy of the program that is executed is what /proc/PID/exe shows as well. */
      if (n > 0 && strstr (link, marker) && strncmp (link, "/memfd:", 7) != 0)
        breach (pid, "descriptor", link);
      look_for_proc (pid, path);
    }
  if (dir)
    closedir (dir);
  for (int i = 0; i < 2; i++)
    {
      struct stat st;
      snprintf (path, sizeof path, "/proc/%s/%s/%s", pid, i ? "cwd" : "root", marker);
      if (stat (path, &st) == 0)
        breach (pid, i ? "cwd" : "root", path);
      snprintf (path, sizeof path, "/proc/%s/%s", pid, i ? "cwd" : "root");
      look_for_proc (pid, path);
    }
}

/* Memory of a process that may do more than we may is a way to its powers. */
static void
look_at_memory (const char *pid)
{
  char path[300], permitted[64];
  snprintf (path, sizeof path, "/proc/%s/mem", pid);
  int fd = open (path, O_RDWR | O_CLOEXEC);
  if (fd < 0)
    return;
  struct rights rights;
  if (rights_of (atoi (pid), &rights) && has_more_than (&rights, &own))
    {
      snprintf (permitted, sizeof permitted, "CapPrm=%llx", rights.permitted);
      breach (pid, "memory", permitted);
    }
  close (fd);
}

/* A line for each new name: whoever reads it knows that this process was looked at. */
static void
note_seen (const char *pid)
{
  static char names[64][20];
  static int count;
  char comm[20];
  status_field (pid, "Name", comm, sizeof comm);
  for (int i = 0; i < count; i++)
    if (strcmp (names[i], comm) == 0)
      return;
  if (count < 64)
    strcpy (names[count++], comm);
  fprintf (out, "seen %s\n", comm);
  fflush (out);
}

static void
look_around (void)
{
  DIR *proc = opendir ("/proc");
  for (struct dirent *e; proc && (e = readdir (proc)) != NULL;)
    if (isdigit ((unsigned char) e->d_name[0]) && atoi (e->d_name) != getpid ())
      {
        look_at_exe (e->d_name);
        look_at_files (e->d_name);
        look_at_memory (e->d_name);
        note_seen (e->d_name);
      }
  if (proc)
    closedir (proc);
}

int
probe_scan (int argc, char **argv)
{
  if (argc != 3)
    return 2;
  out = fopen (argv[1], "ae");
  marker = argv[2];
  if (! out)
    return probe_failed (argv[1]);
  if (! rights_of (getpid (), &own))
    return probe_failed ("/proc/self/status");
  signal (SIGTERM, finish);
  fprintf (out, "scanning\n");
  fflush (out);
  while (! over)
    look_around ();
  /* By now the run is over: "text file busy" protects nothing any more. */
  for (int i = 0; i < kept_count; i++)
    {
      char path[64];
      snprintf (path, sizeof path, "/proc/self/fd/%d", kept[i]);
      try_write ("self", path, "exe-afterwards");
    }
  fprintf (out, "scanned %d\n", kept_count);
  return fclose (out) == 0 ? 0 : 1;
}

int
probe_climb (int argc, char **argv)
{
  if (argc != 2)
    return 2;
  struct stat here, up, top;
  if (stat (".", &here) < 0 || stat ("/", &top) < 0)
    return probe_failed ("stat");
  int steps = 0, found = 0;
  for (;; steps++)
    {
      found |= stat (argv[1], &up) == 0;
      if (stat ("..", &up) < 0 || chdir ("..") < 0 || steps == 64)
        return probe_failed ("..");
      if (up.st_dev == here.st_dev && up.st_ino == here.st_ino)
        break;
      here = up;
    }
  printf ("steps=%d top=%lx:%lu root=%lx:%lu marker=%s\n", steps, (unsigned long) here.st_dev, (unsigned long) here.st_ino,
          (unsigned long) top.st_dev, (unsigned long) top.st_ino, found ? "found" : "none");
  if (chdir ("/") == 0 && stat (argv[1], &up) == 0)
    printf ("marker=in-root\n");
  return 0;
}
