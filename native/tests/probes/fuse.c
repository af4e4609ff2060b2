/* fuse DIRECTORY [OPTION...]: a file system of its own on DIRECTORY, without libfuse. Says "ready" when it is mounted and serves until TERM, which unmounts it;
   killed otherwise, it leaves a mount that answers ENOTCONN. What is written is counted, not kept: files read as zeros. No fallocate, no O_TMPFILE.
     --size BYTES     how much it says to have, and takes (default 16 MiB)
     --quota BYTES    how much it takes, although it says that there is more
     --source NAME    what mountinfo shows (default "fuse-test")
     --hang-after N   from the N+1st request on (INIT not counted) as after USR1
     --unread         hangs without reading the requests: then KILL reaches those who wait
   USR1: it hangs: requests are read and never answered, and nobody who waits can be killed. USR2: it is back; what it read meanwhile fails with EIO. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { NODES = 512, NAME = 128, BLOCK = 4096, MAX_WRITE = 128 << 10, LOST = 256 };

/* By number: the root is FUSE_ROOT_ID. */
static struct node
{
  bool linked, directory;
  char name[NAME];
  uint64_t parent, lookups, size;
  uint32_t mode, uid, gid;
} nodes[NODES];

static int device;
static uint64_t capacity = 16 << 20, quota = UINT64_MAX;
static volatile sig_atomic_t hanging, ended;
static bool unread;
static uint64_t lost[LOST];
static size_t lost_count;

static void
answer (uint64_t unique, int error, const void *data, size_t length)
{
  struct fuse_out_header head = { .len = (uint32_t) (sizeof head + length), .error = -error, .unique = unique };
  struct iovec parts[] = { { &head, sizeof head }, { (void *) data, length } };
  /* ENOENT: who asked was interrupted and is gone. */
  if (writev (device, parts, 2) < 0 && errno != ENOENT && errno != EINTR)
    {
      perror ("fuse: answer");
      exit (1);
    }
}

static bool
alive (uint64_t id)
{
  return id < NODES && (nodes[id].linked || nodes[id].lookups > 0);
}

static uint64_t
used (void)
{
  uint64_t sum = 0;
  for (uint64_t id = 0; id < NODES; id++)
    sum += alive (id) ? (nodes[id].size + BLOCK - 1) / BLOCK * BLOCK : 0;
  return sum;
}

static uint64_t
find (uint64_t parent, const char *name)
{
  for (uint64_t id = FUSE_ROOT_ID + 1; id < NODES; id++)
    if (nodes[id].linked && nodes[id].parent == parent && strcmp (nodes[id].name, name) == 0)
      return id;
  return 0;
}

static bool
is_empty (uint64_t directory)
{
  for (uint64_t id = FUSE_ROOT_ID + 1; id < NODES; id++)
    if (nodes[id].linked && nodes[id].parent == directory)
      return false;
  return true;
}

/* 0: there is no room. */
static uint64_t
make (const struct fuse_in_header *in, const char *name, uint32_t mode)
{
  for (uint64_t id = FUSE_ROOT_ID + 1; id < NODES; id++)
    if (! alive (id))
      {
        nodes[id] = (struct node){ .linked = true, .directory = S_ISDIR (mode), .parent = in->nodeid, .mode = mode, .uid = in->uid, .gid = in->gid };
        snprintf (nodes[id].name, NAME, "%s", name);
        return id;
      }
  return 0;
}

static void
forget (uint64_t id, uint64_t count)
{
  if (id < NODES)
    nodes[id].lookups -= count < nodes[id].lookups ? count : nodes[id].lookups;
}

static struct fuse_attr
attributes (uint64_t id)
{
  const struct node *n = &nodes[id];
  return (struct fuse_attr){ .ino = id, .size = n->size, .blocks = (n->size + 511) / 512, .mode = n->mode, .nlink = n->linked ? 1 : 0, .uid = n->uid, .gid = n->gid, .blksize = BLOCK };
}

/* Nothing is cached: every use of a path is asked for here. */
static struct fuse_entry_out
entry (uint64_t id)
{
  nodes[id].lookups++;
  return (struct fuse_entry_out){ .nodeid = id, .attr = attributes (id) };
}

static void
answer_entry (uint64_t unique, uint64_t id)
{
  struct fuse_entry_out out = entry (id);
  answer (unique, 0, &out, sizeof out);
}

static void
answer_attributes (uint64_t unique, uint64_t id)
{
  struct fuse_attr_out out = { .attr = attributes (id) };
  answer (unique, 0, &out, sizeof out);
}

static void
set_attributes (const struct fuse_in_header *in, const struct fuse_setattr_in *set)
{
  struct node *n = &nodes[in->nodeid];
  if (set->valid & FATTR_SIZE)
    n->size = set->size;
  if (set->valid & FATTR_MODE)
    n->mode = (n->mode & S_IFMT) | (set->mode & ~(uint32_t) S_IFMT);
  if (set->valid & FATTR_UID)
    n->uid = set->uid;
  if (set->valid & FATTR_GID)
    n->gid = set->gid;
  answer_attributes (in->unique, in->nodeid);
}

static void
read_directory (const struct fuse_in_header *in, const struct fuse_read_in *ask)
{
  static _Alignas (8) char out[BLOCK];
  size_t length = 0, limit = ask->size < sizeof out ? ask->size : sizeof out;
  for (uint64_t id = ask->offset; id < NODES; id++)
    {
      const char *name = id == 0 ? "." : id == FUSE_ROOT_ID ? ".." : nodes[id].name;
      struct fuse_dirent head = { .ino = id == 0 ? in->nodeid : id, .off = id + 1, .namelen = (uint32_t) strlen (name), .type = id <= FUSE_ROOT_ID || nodes[id].directory ? 4 : 8 };
      size_t whole = FUSE_DIRENT_ALIGN (FUSE_NAME_OFFSET + head.namelen);
      if (id > FUSE_ROOT_ID && ! (nodes[id].linked && nodes[id].parent == in->nodeid))
        continue;
      if (length + whole > limit)
        break;
      memset (out + length, 0, whole);
      memcpy (out + length, &head, FUSE_NAME_OFFSET);
      memcpy (out + length + FUSE_NAME_OFFSET, name, head.namelen);
      length += whole;
    }
  answer (in->unique, 0, out, length);
}

static void
write_file (const struct fuse_in_header *in, const struct fuse_write_in *ask)
{
  struct node *n = &nodes[in->nodeid];
  uint64_t end = ask->offset + ask->size, others = used () - (n->size + BLOCK - 1) / BLOCK * BLOCK;
  struct fuse_write_out out = { .size = ask->size };
  uint64_t wanted = (end + BLOCK - 1) / BLOCK * BLOCK + others;
  if (end > n->size && (wanted > capacity || wanted > quota))
    {
      answer (in->unique, wanted > quota ? EDQUOT : ENOSPC, NULL, 0);
      return;
    }
  n->size = end > n->size ? end : n->size;
  answer (in->unique, 0, &out, sizeof out);
}

static void
read_file (const struct fuse_in_header *in, const struct fuse_read_in *ask)
{
  static const char zeros[MAX_WRITE];
  uint64_t left = ask->offset < nodes[in->nodeid].size ? nodes[in->nodeid].size - ask->offset : 0;
  size_t length = ask->size < sizeof zeros ? ask->size : sizeof zeros;
  answer (in->unique, 0, zeros, left < length ? left : length);
}

static void
statistics (const struct fuse_in_header *in)
{
  uint64_t taken = used (), files = 0;
  for (uint64_t id = 0; id < NODES; id++)
    files += alive (id) ? 0 : 1;
  struct fuse_statfs_out out = { .st = { .blocks = capacity / BLOCK, .bfree = (capacity - taken) / BLOCK, .bavail = (capacity - taken) / BLOCK, .files = NODES, .ffree = files, .bsize = BLOCK, .namelen = NAME - 1, .frsize = BLOCK } };
  answer (in->unique, 0, &out, sizeof out);
}

static void
create (const struct fuse_in_header *in, const char *name, uint32_t mode, bool opened)
{
  struct
  {
    struct fuse_entry_out entry;
    struct fuse_open_out open;
  } out = { 0 };
  uint64_t id = find (in->nodeid, name) != 0 ? NODES : make (in, name, mode);
  if (id == 0 || id == NODES)
    {
      answer (in->unique, id == 0 ? ENOSPC : EEXIST, NULL, 0);
      return;
    }
  out.entry = entry (id);
  answer (in->unique, 0, &out, opened ? sizeof out : sizeof out.entry);
}

static void
take_away (const struct fuse_in_header *in, const char *name)
{
  uint64_t id = find (in->nodeid, name);
  int error = id == 0 ? ENOENT : nodes[id].directory && ! is_empty (id) ? ENOTEMPTY : 0;
  if (error == 0)
    nodes[id].linked = false;
  answer (in->unique, error, NULL, 0);
}

static void
initialise (const struct fuse_in_header *in, const struct fuse_init_in *ask)
{
  struct fuse_init_out out = { .major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION, .max_readahead = ask->max_readahead, .flags = FUSE_BIG_WRITES, .max_background = 16, .max_write = MAX_WRITE, .time_gran = 1 };
  answer (in->unique, 0, &out, sizeof out);
}

static void
serve (const struct fuse_in_header *in, const void *body)
{
  static const struct fuse_open_out opened;
  uint64_t id;
  switch (in->opcode)
    {
    case FUSE_INIT:
      initialise (in, body);
      return;
    case FUSE_FORGET:
      forget (in->nodeid, ((const struct fuse_forget_in *) body)->nlookup);
      return;
    case FUSE_BATCH_FORGET:
      {
        const struct fuse_batch_forget_in *batch = body;
        const struct fuse_forget_one *one = (const void *) (batch + 1);
        for (uint32_t i = 0; i < batch->count; i++)
          forget (one[i].nodeid, one[i].nlookup);
        return;
      }
    case FUSE_INTERRUPT:
      return;
    case FUSE_LOOKUP:
      id = find (in->nodeid, body);
      if (id != 0)
        answer_entry (in->unique, id);
      else
        answer (in->unique, ENOENT, NULL, 0);
      return;
    case FUSE_GETATTR:
      answer_attributes (in->unique, in->nodeid);
      return;
    case FUSE_SETATTR:
      set_attributes (in, body);
      return;
    case FUSE_STATFS:
      statistics (in);
      return;
    case FUSE_OPEN:
    case FUSE_OPENDIR:
      answer (in->unique, 0, &opened, sizeof opened);
      return;
    case FUSE_READDIR:
      read_directory (in, body);
      return;
    case FUSE_READ:
      read_file (in, body);
      return;
    case FUSE_WRITE:
      write_file (in, body);
      return;
    case FUSE_MKDIR:
      create (in, (const char *) body + sizeof (struct fuse_mkdir_in), S_IFDIR | ((const struct fuse_mkdir_in *) body)->mode, false);
      return;
    case FUSE_MKNOD:
      create (in, (const char *) body + sizeof (struct fuse_mknod_in), ((const struct fuse_mknod_in *) body)->mode, false);
      return;
    case FUSE_CREATE:
      create (in, (const char *) body + sizeof (struct fuse_create_in), ((const struct fuse_create_in *) body)->mode, true);
      return;
    case FUSE_UNLINK:
    case FUSE_RMDIR:
      take_away (in, body);
      return;
    case FUSE_RELEASE:
    case FUSE_RELEASEDIR:
    case FUSE_FLUSH:
    case FUSE_FSYNC:
    case FUSE_FSYNCDIR:
      answer (in->unique, 0, NULL, 0);
      return;
    default:
      answer (in->unique, ENOSYS, NULL, 0);
    }
}

static void
hang (int number)
{
  hanging = number == SIGUSR1;
}

static void
end (int number)
{
  (void) number;
  ended = 1;
}

/* Keeps the request for ever, or until USR2. */
static void
lose (const struct fuse_in_header *in)
{
  bool answered = in->opcode != FUSE_FORGET && in->opcode != FUSE_BATCH_FORGET && in->opcode != FUSE_INTERRUPT;
  if (answered && lost_count < LOST)
    lost[lost_count++] = in->unique;
}

static int
loop (long long hang_after)
{
  static _Alignas (8) char request[MAX_WRITE + 8192];
  sigset_t none, ours;
  sigemptyset (&none);
  sigemptyset (&ours);
  sigaddset (&ours, SIGUSR1);
  sigaddset (&ours, SIGUSR2);
  sigaddset (&ours, SIGTERM);
  for (long long served = 0; ! ended;)
    {
      sigprocmask (SIG_BLOCK, &ours, NULL);
      while (hanging && unread && ! ended)
        sigsuspend (&none);
      sigprocmask (SIG_UNBLOCK, &ours, NULL);
      for (; ! hanging && lost_count > 0; lost_count--)
        answer (lost[lost_count - 1], EIO, NULL, 0);
      ssize_t length = read (device, request, sizeof request);
      if (length < 0 && errno == ENODEV)
        return 0;
      if (length < 0 && errno != EINTR && errno != ENOENT && errno != EAGAIN)
        {
          perror ("fuse: read");
          return 1;
        }
      if (length < (ssize_t) sizeof (struct fuse_in_header))
        continue;
      const struct fuse_in_header *in = (const void *) request;
      if (hang_after >= 0 && in->opcode != FUSE_INIT && served++ == hang_after)
        hanging = 1;
      if (hanging && ! unread && in->opcode != FUSE_INIT)
        lose (in);
      else
        serve (in, in + 1);
    }
  return 0;
}

int
main (int argc, char **argv)
{
  const char *source = "fuse-test";
  long long hang_after = -1;
  if (argc < 2)
    return 2;
  for (int i = 2; i < argc; i++)
    {
      if (strcmp (argv[i], "--unread") == 0)
        unread = true;
      else if (strcmp (argv[i], "--size") == 0 && i + 1 < argc)
        capacity = strtoull (argv[++i], NULL, 10);
      else if (strcmp (argv[i], "--quota") == 0 && i + 1 < argc)
        quota = strtoull (argv[++i], NULL, 10);
      else if (strcmp (argv[i], "--source") == 0 && i + 1 < argc)
        source = argv[++i];
      else if (strcmp (argv[i], "--hang-after") == 0 && i + 1 < argc)
        hang_after = atoll (argv[++i]);
      else
        {
          fprintf (stderr, "fuse: unknown option %s\n", argv[i]);
          return 2;
        }
    }
  /* Without SA_RESTART: a signal ends the wait for a request. */
  struct sigaction on_hang = { .sa_handler = hang }, on_end = { .sa_handler = end };
  sigaction (SIGUSR1, &on_hang, NULL);
  sigaction (SIGUSR2, &on_hang, NULL);
  sigaction (SIGTERM, &on_end, NULL);
  nodes[FUSE_ROOT_ID] = (struct node){ .linked = true, .directory = true, .mode = S_IFDIR | 01777 };
  char options[128];
  device = open ("/dev/fuse", O_RDWR | O_CLOEXEC);
  snprintf (options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions", device);
  if (device < 0 || mount (source, argv[1], "fuse.test", MS_NOSUID | MS_NODEV, options) < 0)
    {
      fprintf (stderr, "fuse: %s: %s\n", argv[1], strerror (errno));
      return 1;
    }
  puts ("ready");
  fclose (stdout);
  int status = loop (hang_after);
  umount2 (argv[1], MNT_DETACH);
  return status;
}
