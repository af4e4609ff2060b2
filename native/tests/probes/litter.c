/* What a workload leaves in its working directory, and the records that tell of it. */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static int
make_file (const char *name)
{
  int fd = open (name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0 || write (fd, name, strlen (name)) < 0 || close (fd) < 0)
    return probe_failed (name);
  return 0;
}

static int
make_many (long long count)
{
  char name[32];
  for (long long i = 0; i < count; i++)
    {
      snprintf (name, sizeof name, "file%lld", i);
      if (make_file (name))
        return 1;
    }
  return 0;
}

/* Some file systems have none. */
static bool
refused (int result)
{
  return result < 0 && errno != ENOSYS && errno != EPERM && errno != EOPNOTSUPP;
}

/* litter FILES DEPTH [mount]: files, links, a file that may not be read, a directory that may not be entered, directories deep within each other, and a mount. */
int
probe_litter (int argc, char **argv)
{
  if (argc < 3)
    return 2;
  if (make_many (probe_number (argv[1])))
    return 1;
  if (refused (symlink ("/", "to-root")) || refused (symlink ("..", "up")) || refused (mkfifo ("fifo", 0600)) || mkdir ("closed", 0700) < 0 || make_file ("closed/file") || chmod ("closed", 0) < 0)
    return probe_failed ("litter");
  int top = open (".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (int i = 0; i < probe_number (argv[2]); i++)
    if (mkdir ("deep", 0700) < 0 || chdir ("deep") < 0 || make_file ("file"))
      return probe_failed ("deep");
  if (top < 0 || fchdir (top) < 0)
    return probe_failed ("back");
  if (argc > 3 && (mkdir ("mounted", 0700) < 0 || mount ("test", "mounted", "tmpfs", 0, NULL) < 0 || make_file ("mounted/file")))
    return probe_failed ("mounted");
  fprintf (stderr, "littered\n");
  return probe_hold (1, argv);
}

/* record DIR: the extended attributes of ours that it has, NAME=VALUE; record DIR NAME TEXT: puts one there */
int
probe_record (int argc, char **argv)
{
  static char names[65536], value[65536];
  if (argc == 4)
    return setxattr (argv[1], argv[2], argv[3], strlen (argv[3]), 0) < 0 ? probe_failed (argv[2]) : 0;
  ssize_t length = argc == 2 ? listxattr (argv[1], names, sizeof names) : -1;
  if (length < 0)
    return probe_failed ("listxattr");
  for (char *name = names; name < names + length; name += strlen (name) + 1)
    if (strncmp (name, "trusted.kubectl-chaos.", 22) == 0)
      {
        ssize_t got = getxattr (argv[1], name, value, sizeof value);
        printf ("%s=%.*s", name + 22, got < 0 ? 0 : (int) got, value);
      }
  return 0;
}
