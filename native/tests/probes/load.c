/* Uses of what a container has: CPU, memory, disk, files. */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 65536

int
probe_write (int argc, char **argv)
{
  if (argc != 3)
    return 2;
  int fd = open (argv[1], O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || write (fd, argv[2], strlen (argv[2])) != (ssize_t) strlen (argv[2]))
    return probe_failed (argv[1]);
  return 0;
}

int
probe_fill (int argc, char **argv)
{
  static char block[4096];
  if (argc != 3)
    return 2;
  long long bytes = probe_number (argv[2]), wrote = 0;
  int fd = open (argv[1], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0)
    return probe_failed (argv[1]);
  ssize_t n = 1;
  while (wrote < bytes && (n = write (fd, block, sizeof block)) > 0)
    wrote += n;
  printf ("wrote=%lld error=%s\n", wrote, n < 0 ? strerrorname_np (errno) : "none");
  return 0;
}

int
probe_spin (int argc, char **argv)
{
  long long until_ms = argc == 2 ? probe_number (argv[1]) : 0;
  clock_t end = clock () + (clock_t) (until_ms * (CLOCKS_PER_SEC / 1000));
  while (clock () < end)
    ;
  printf ("spun\n");
  return 0;
}

int
probe_eat (int argc, char **argv)
{
  size_t bytes = argc == 2 ? (size_t) probe_number (argv[1]) : 0;
  char *p = mmap (NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED)
    return probe_failed ("mmap");
  for (size_t i = 0; i < bytes; i += 4096)
    p[i] = 1;
  printf ("ate=%zu\n", bytes);
  fflush (stdout);
  probe_wait ();
}

int
probe_disk (int argc, char **argv)
{
  static char block[BLOCK] __attribute__ ((aligned (4096)));
  if (argc != 3)
    return 2;
  long long bytes = probe_number (argv[2]);
  int fd = open (argv[1], O_RDWR | O_CREAT | O_DIRECT | O_CLOEXEC, 0600);
  if (fd < 0)
    return probe_failed (argv[1]);
  for (long long done = 0; done < bytes; done += BLOCK)
    if (write (fd, block, BLOCK) != BLOCK)
      return probe_failed ("write");
  if (fsync (fd) < 0 || lseek (fd, 0, SEEK_SET) < 0)
    return probe_failed ("fsync");
  for (long long done = 0; done < bytes; done += BLOCK)
    if (read (fd, block, BLOCK) != BLOCK)
      return probe_failed ("read");
  unlink (argv[1]);
  printf ("moved=%lld\n", bytes);
  fflush (stdout);
  probe_wait ();
}
