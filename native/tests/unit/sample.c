/* Samples of a cgroup v2 tree, from files as a kernel writes them: the behaviour tests see v2 only where the machine has it. */
#include "unit.h"

#include "proc/proc.h"
#include "target/disk-limits.h"
#include "target/levels.h"
#include "target/sample.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char top[] = "/tmp/nsexec-unit-XXXXXX";
static struct hierarchies hierarchies;

static void
put (const char *path, const char *text)
{
  char full[256];
  snprintf (full, sizeof full, "%s/%s", top, path);
  FILE *f = fopen (full, "w");
  assert_non_null (f);
  fputs (text, f);
  fclose (f);
}

static int
make_tree (void **state)
{
  (void) state;
  char path[256];
  if (mkdtemp (top) == NULL)
    return -1;
  static const char *const directories[] = { "/pod", "/pod/container", "/pod/container/init" };
  for (size_t i = 0; i < COUNT (directories); i++)
    {
      snprintf (path, sizeof path, "%s%s", top, directories[i]);
      mkdir (path, 0755);
    }
  snprintf (path, sizeof path, "%s/pod/container", top);
  put ("cgroup.controllers", "cpu io memory pids\n");
  put ("pod/container/cgroup.controllers", "cpu io memory pids\n");
  hierarchies = (struct hierarchies){ .count = 1 };
  hierarchies.item[0] = (struct hierarchy){ .name = strdup (""), .path = strdup ("/pod/container"), .version = 2, .mount = open (top, O_PATH | O_DIRECTORY | O_CLOEXEC),
                                            .directory = open (path, O_PATH | O_DIRECTORY | O_CLOEXEC) };
  return hierarchies.item[0].mount < 0 || hierarchies.item[0].directory < 0 ? -1 : 0;
}

static int
drop_tree (void **state)
{
  (void) state;
  char command[64];
  hierarchies_close (&hierarchies);
  snprintf (command, sizeof command, "rm -rf %s", top);
  return system (command);
}

static int64_t
value_of (enum sample_field field)
{
  struct sample sample;
  sample_read (&sample, &hierarchies);
  return sample_has (&sample, field) ? sample.value[field] : -2;
}

#define assert_sample(field, expected) assert_int_equal (value_of (field), expected)

/* Files of a test alone. */
static void
drop (const char *path)
{
  char full[256];
  snprintf (full, sizeof full, "%s/%s", top, path);
  unlink (full);
}

static void
drop_files (const char *const *names, size_t count)
{
  static const char *const levels[] = { "pod", "pod/container", "pod/container/init" };
  for (size_t i = 0; i < COUNT (levels); i++)
    for (size_t k = 0; k < count; k++)
      {
        char path[128];
        snprintf (path, sizeof path, "%s/%s", levels[i], names[k]);
        drop (path);
      }
}
#define DROP(...) drop_files ((const char *const[]){ __VA_ARGS__ }, sizeof ((const char *const[]){ __VA_ARGS__ }) / sizeof (const char *))

static void
move_to (const char *path)
{
  struct hierarchy *h = &hierarchies.item[0];
  free (h->path);
  h->path = strdup (path);
  close (h->directory);
  h->directory = openat (h->mount, path + 1, O_PATH | O_DIRECTORY | O_CLOEXEC);
  assert_true (h->directory >= 0);
}

static int
drop_all (void)
{
  DROP ("cpu.max", "cpu.stat", "memory.max", "memory.high", "memory.current", "memory.stat", "memory.events", "memory.oom.group", "memory.swap.max", "memory.swap.current",
        "pids.max", "pids.current", "cpuset.cpus.effective", "io.max");
  return 0;
}

/* The target is in a cgroup that it has made below its container's. */
static int
move_below (void **state)
{
  (void) state;
  move_to ("/pod/container/init");
  hierarchies.item[0].container = strlen ("/pod/container");
  return drop_all ();
}

static int
move_back (void **state)
{
  (void) state;
  move_to ("/pod/container");
  hierarchies.item[0].container = 0;
  return drop_all ();
}

static void
counters (void **state)
{
  (void) state;
  put ("pod/container/cpu.stat", "usage_usec 1234567\nuser_usec 1000000\nsystem_usec 234567\nnr_periods 70\nnr_throttled 60\nthrottled_usec 5500000\nnr_bursts 0\nburst_usec 0\n");
  put ("pod/container/memory.current", "41000960\n");
  put ("pod/container/memory.stat", "anon 1\nfile 2\nactive_file 3\ninactive_file 4096\n");
  put ("pod/container/memory.events", "low 0\nhigh 0\nmax 9\noom 3\noom_kill 2\noom_group_kill 1\n");
  put ("pod/container/memory.oom.group", "1\n");
  put ("pod/container/pids.current", "5\n");
  put ("pod/container/pids.max", "max\n");
  put ("pod/container/io.stat", "8:0 rbytes=1000 wbytes=2000 rios=3 wios=4 dbytes=0 dios=0\n259:0 \n253:0 rbytes=10 wbytes=20 rios=1 wios=1 dbytes=7 dios=7\n");
  put ("pod/container/cpu.pressure", "some avg10=1.00 avg60=0.00 avg300=0.00 total=111\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=222\n");
  put ("pod/container/memory.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=333\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=444\n");
  put ("pod/container/io.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=555\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=666\n");
  static const struct
  {
    enum sample_field field;
    int64_t value;
  } expected[] = {
    { CPU_USAGE_US, 1234567 }, { CPU_PERIODS, 70 },        { CPU_THROTTLED_PERIODS, 60 }, { CPU_THROTTLED_US, 5500000 }, { MEMORY_CURRENT_BYTES, 41000960 },
    { MEMORY_OOM_EVENTS, 3 },  { MEMORY_OOM_KILLS, 2 },    { MEMORY_OOM_GROUP, 1 },       { MEMORY_INACTIVE_FILE_BYTES, 4096 }, { MEMORY_ACTIVE_FILE_BYTES, 3 }, { PIDS_CURRENT, 5 },
    { PIDS_LIMIT, -1 },        { IO_READ_BYTES, 1010 },    { IO_WRITE_BYTES, 2020 },      { IO_READ_OPS, 4 },            { IO_WRITE_OPS, 5 },
    { CPU_SOME_US, 111 },      { CPU_FULL_US, 222 },       { MEMORY_SOME_US, 333 },       { MEMORY_FULL_US, 444 },       { IO_SOME_US, 555 },
    { IO_FULL_US, 666 },
  };
  for (size_t i = 0; i < COUNT (expected); i++)
    if (value_of (expected[i].field) != expected[i].value)
      fail_msg ("field %zu: %lld instead of %lld", i, (long long) value_of (expected[i].field), (long long) expected[i].value);
  assert_int_equal (sample_oom_kills (&hierarchies), 2);
}

static void
memory_limits (void **state)
{
  (void) state;
  put ("pod/container/memory.max", "max\n");
  put ("pod/memory.max", "max\n");
  assert_int_equal (value_of (MEMORY_LIMIT_BYTES), -1);
  assert_sample (MEMORY_LIMIT_LEVEL, -2);
  put ("pod/memory.max", "67108864\n");
  assert_int_equal (value_of (MEMORY_LIMIT_BYTES), 67108864);
  assert_sample (MEMORY_LIMIT_LEVEL, 1);
  put ("pod/container/memory.max", "33554432\n");
  assert_int_equal (value_of (MEMORY_LIMIT_BYTES), 33554432);
  assert_sample (MEMORY_LIMIT_LEVEL, 0);
  put ("pod/memory.max", "0\n");
  assert_int_equal (value_of (MEMORY_LIMIT_BYTES), 0);
}

static void
quotas (void **state)
{
  (void) state;
  put ("pod/container/cpu.max", "max 100000\n");
  put ("pod/cpu.max", "max 100000\n");
  assert_int_equal (value_of (CPU_QUOTA_US), -1);
  put ("pod/cpu.max", "50000 100000\n");
  assert_int_equal (value_of (CPU_QUOTA_US), 50000);
  put ("pod/container/cpu.max", "80000 200000\n");
  assert_int_equal (value_of (CPU_QUOTA_US), 80000);
  assert_int_equal (value_of (CPU_PERIOD_US), 200000);
  put ("pod/container/cpu.max", "nonsense\n");
  assert_int_equal (value_of (CPU_QUOTA_US), 50000);
}

static void
quota_above (void **state)
{
  (void) state;
  put ("pod/container/init/cpu.stat", "usage_usec 500000\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0\n");
  put ("pod/container/cpu.stat", "usage_usec 9000000\nnr_periods 100\nnr_throttled 90\nthrottled_usec 7000000\n");
  put ("pod/cpu.stat", "usage_usec 20000000\nnr_periods 100\nnr_throttled 1\nthrottled_usec 1\n");
  put ("pod/container/init/cpu.max", "max 100000\n");
  put ("pod/container/cpu.max", "max 100000\n");
  put ("pod/cpu.max", "max 100000\n");
  assert_sample (CPU_USAGE_US, 500000);
  assert_sample (CPU_LEVEL, 0);
  /* Of equal quotas the nearer one counts. */
  put ("pod/container/cpu.max", "100000 100000\n");
  put ("pod/cpu.max", "100000 100000\n");
  assert_sample (CPU_USAGE_US, 9000000);
  assert_sample (CPU_PERIODS, 100);
  assert_sample (CPU_THROTTLED_PERIODS, 90);
  assert_sample (CPU_THROTTLED_US, 7000000);
  assert_sample (CPU_LEVEL, 1);
  put ("pod/cpu.max", "99999 100000\n");
  assert_sample (CPU_THROTTLED_PERIODS, 1);
  assert_sample (CPU_LEVEL, 2);
}

static void
oom_group (void **state)
{
  (void) state;
  static const char *const levels[] = { "pod/container/init", "pod/container", "pod" };
  char path[128];
  for (size_t i = 0; i < COUNT (levels); i++)
    {
      snprintf (path, sizeof path, "%s/memory.oom.group", levels[i]);
      put (path, "0\n");
      snprintf (path, sizeof path, "%s/memory.max", levels[i]);
      put (path, "max\n");
    }
  assert_sample (MEMORY_OOM_GROUP, 0);
  /* Where the kubelet sets it. */
  put ("pod/container/memory.max", "134217728\n");
  put ("pod/container/memory.current", "41943040\n");
  put ("pod/container/memory.oom.group", "1\n");
  assert_sample (MEMORY_OOM_GROUP, 1);
  /* The container's limit takes what is in the container, whatever the pod says. */
  put ("pod/container/memory.oom.group", "0\n");
  put ("pod/memory.oom.group", "1\n");
  assert_sample (MEMORY_OOM_GROUP, 0);
  put ("pod/memory.max", "67108864\n");
  assert_sample (MEMORY_OOM_GROUP, 1);
  /* A larger limit of the pod's, but others have used it. */
  put ("pod/memory.max", "268435456\n");
  put ("pod/memory.current", "67108864\n");
  assert_sample (MEMORY_OOM_GROUP, 0);
  put ("pod/memory.current", "260046848\n");
  assert_sample (MEMORY_OOM_GROUP, 1);
  /* Without any limit it is the node that runs out of memory. */
  put ("pod/memory.max", "max\n");
  put ("pod/container/memory.max", "max\n");
  assert_sample (MEMORY_OOM_GROUP, 1);
}

static void
memory_room (void **state)
{
  (void) state;
  put ("pod/container/init/memory.current", "1048576\n");
  put ("pod/container/init/memory.stat", "inactive_file 4096\n");
  put ("pod/container/memory.current", "83886080\n");
  put ("pod/container/memory.stat", "anon 1\ninactive_file 20971520\n");
  put ("pod/container/init/memory.max", "max\n");
  assert_sample (MEMORY_ROOM_BYTES, -1);
  put ("pod/container/memory.max", "134217728\n");
  assert_sample (MEMORY_LIMIT_BYTES, 134217728);
  assert_sample (MEMORY_ROOM_BYTES, 134217728 - 83886080 + 20971520);
  assert_sample (MEMORY_CURRENT_BYTES, 1048576);
  assert_sample (MEMORY_INACTIVE_FILE_BYTES, 4096);
  put ("pod/memory.max", "1073741824\n");
  put ("pod/memory.current", "1072693248\n");
  put ("pod/memory.stat", "inactive_file 1024\n");
  assert_sample (MEMORY_LIMIT_BYTES, 134217728);
  assert_sample (MEMORY_ROOM_BYTES, 1048576 + 1024);
  /* Over its limit, which has just been lowered. */
  put ("pod/memory.max", "1000000000\n");
  assert_sample (MEMORY_ROOM_BYTES, 0);
  drop ("pod/memory.current");
  drop ("pod/container/memory.current");
  assert_sample (MEMORY_ROOM_BYTES, -2);
}

static void
memory_high (void **state)
{
  (void) state;
  put ("pod/container/init/memory.high", "max\n");
  put ("pod/container/init/memory.events", "low 0\nhigh 1\nmax 0\noom 0\noom_kill 1\n");
  assert_sample (MEMORY_HIGH_BYTES, -1);
  assert_sample (MEMORY_HIGH_ROOM_BYTES, -1);
  assert_sample (MEMORY_HIGH_EVENTS, 1);
  put ("pod/container/memory.high", "146800640\n");
  put ("pod/container/memory.max", "209715200\n");
  put ("pod/container/memory.current", "41943040\n");
  put ("pod/container/memory.events", "low 0\nhigh 17\nmax 0\noom 2\noom_kill 3\n");
  put ("pod/memory.events", "low 0\nhigh 99\nmax 0\noom 98\noom_kill 97\n");
  assert_sample (MEMORY_HIGH_BYTES, 146800640);
  assert_sample (MEMORY_HIGH_ROOM_BYTES, 104857600);
  assert_sample (MEMORY_ROOM_BYTES, 167772160);
  assert_sample (MEMORY_HIGH_EVENTS, 17);
  /* Of all the container's processes, and of no other container's. */
  assert_sample (MEMORY_OOM_EVENTS, 2);
  assert_sample (MEMORY_OOM_KILLS, 3);
  assert_int_equal (sample_oom_kills (&hierarchies), 3);
  hierarchies.item[0].container = 0;
  assert_sample (MEMORY_OOM_KILLS, 1);
  hierarchies.item[0].container = strlen ("/pod/container");
}

static void
swap (void **state)
{
  (void) state;
  assert_sample (MEMORY_SWAP_LIMIT_BYTES, -2);
  put ("pod/container/init/memory.swap.current", "4096\n");
  put ("pod/container/init/memory.swap.max", "max\n");
  assert_sample (MEMORY_SWAP_CURRENT_BYTES, 4096);
  assert_sample (MEMORY_SWAP_LIMIT_BYTES, -1);
  assert_sample (MEMORY_SWAP_ROOM_BYTES, -1);
  put ("pod/container/memory.swap.current", "8192\n");
  put ("pod/container/memory.swap.max", "33554432\n");
  assert_sample (MEMORY_SWAP_CURRENT_BYTES, 4096);
  assert_sample (MEMORY_SWAP_LIMIT_BYTES, 33554432);
  assert_sample (MEMORY_SWAP_ROOM_BYTES, 33554432 - 8192);
  put ("pod/memory.swap.current", "0\n");
  put ("pod/memory.swap.max", "0\n");
  assert_sample (MEMORY_SWAP_ROOM_BYTES, 0);
}

static void
pids (void **state)
{
  (void) state;
  put ("pod/container/init/pids.current", "3\n");
  put ("pod/container/init/pids.max", "max\n");
  put ("pod/container/pids.current", "7\n");
  put ("pod/container/pids.max", "100\n");
  put ("pod/pids.current", "1020\n");
  put ("pod/pids.max", "1024\n");
  assert_sample (PIDS_CURRENT, 3);
  assert_sample (PIDS_LIMIT, 100);
  assert_sample (PIDS_ROOM, 4);
}

static void
cpuset (void **state)
{
  (void) state;
  struct sample sample;
  put ("pod/cpuset.cpus.effective", "0-7\n");
  assert_sample (CPUSET_CPUS, 8);
  put ("pod/container/cpuset.cpus.effective", "2-3\n");
  sample_read (&sample, &hierarchies);
  assert_int_equal (sample.value[CPUSET_CPUS], 2);
  assert_string_equal (sample.cpuset, "2-3");
  put ("pod/container/cpuset.cpus.effective", "\n");
  assert_sample (CPUSET_CPUS, -2);
}

static void
cpu_lists (void **state)
{
  (void) state;
  static const struct
  {
    const char *list;
    int64_t count; /* -1: no list */
  } lists[] = { { "0", 1 },   { "0-3,8,10-11", 7 }, { "", 0 },   { "3-2", -1 },   { "a", -1 },
                { "1,", 1 },  { "1,,2", -1 },       { "-1", -1 }, { "0-65536", -1 }, { "0-65535,0", -1 } };
  for (size_t i = 0; i < COUNT (lists); i++)
    {
      int64_t count = -1;
      bool valid = proc_count_cpus (SPAN (lists[i].list), &count);
      if (valid != (lists[i].count >= 0) || (valid && count != lists[i].count))
        fail_msg ("%s: %d, %lld", lists[i].list, valid, (long long) count);
    }
}

/* More than 8 KiB of it. */
static void
many_devices (void **state)
{
  (void) state;
  char *text = calloc (300, 64);
  assert_non_null (text);
  for (int i = 0; i < 300; i++)
    sprintf (text + strlen (text), "253:%d rbytes=1000 wbytes=2000 rios=3 wios=4 dbytes=0 dios=0\n", i);
  assert_true (strlen (text) > 8192);
  put ("pod/container/io.stat", text);
  free (text);
  assert_sample (IO_READ_BYTES, 300000);
  assert_sample (IO_WRITE_OPS, 1200);
}

static void
assert_disk_limits (const char *disk, const char *expected)
{
  struct json json = { 0 };
  json_open (&json, NULL, '{');
  disk_limits_write (&hierarchies, disk, &json);
  json_close (&json, '}');
  char *text = strndup (json.text, json.length);
  assert_string_equal (text, expected);
  free (text);
  json_free (&json);
}

static void
disk_limits (void **state)
{
  (void) state;
  assert_disk_limits ("", "{}");
  assert_disk_limits ("253:0", "{\"io_limits\":[]}");
  put ("pod/io.max", "8:0 rbps=1 wbps=1 riops=1 wiops=1\n253:0 rbps=max wbps=10485760 riops=max wiops=max\n");
  assert_disk_limits ("253:0", "{\"io_limits\":[{\"cgroup\":\"/pod\",\"own\":false,\"read_bytes_per_s\":-1,\"write_bytes_per_s\":10485760,"
                               "\"read_ops_per_s\":-1,\"write_ops_per_s\":-1}]}");
  put ("pod/container/init/io.max", "253:0 rbps=max wbps=52428800 riops=120 wiops=max\n");
  assert_disk_limits ("253:0", "{\"io_limits\":[{\"cgroup\":\"/pod/container/init\",\"own\":true,\"read_bytes_per_s\":-1,\"write_bytes_per_s\":52428800,"
                               "\"read_ops_per_s\":120,\"write_ops_per_s\":-1},"
                               "{\"cgroup\":\"/pod\",\"own\":false,\"read_bytes_per_s\":-1,\"write_bytes_per_s\":10485760,\"read_ops_per_s\":-1,"
                               "\"write_ops_per_s\":-1}]}");
  assert_disk_limits ("253:00", "{\"io_limits\":[]}");
}

/* A target that makes cgroups in cgroups has us look at no more of them than it may. */
static void
deep (void **state)
{
  (void) state;
  char path[LEVEL_PATH_BYTES] = "";
  for (int i = 0; i < 2000; i++)
    strcat (path, "/a");
  struct hierarchy h = { .path = path, .version = 2, .mount = -1, .directory = -1 };
  struct level level;
  int levels = 0;
  for (bool more = level_own (&level, &h); more; more = level_up (&level))
    levels++;
  assert_int_equal (levels, 65);
}

static void
absent (void **state)
{
  (void) state;
  char path[256];
  snprintf (path, sizeof path, "%s/pod/container/io.stat", top);
  unlink (path);
  assert_int_equal (value_of (IO_READ_BYTES), -2);
  put ("pod/container/memory.current", "many\n");
  assert_int_equal (value_of (MEMORY_CURRENT_BYTES), -2);
}

static void
frozen (void **state)
{
  (void) state;
  put ("pod/container/cgroup.events", "populated 1\nfrozen 0\n");
  assert_false (cgroup_is_frozen (&hierarchies));
  put ("pod/container/cgroup.events", "populated 1\nfrozen 1\n");
  assert_true (cgroup_is_frozen (&hierarchies));
}

int
unit_sample (void)
{
  const struct CMUnitTest tests[]
    = { cmocka_unit_test (counters),
        cmocka_unit_test (memory_limits),
        cmocka_unit_test (quotas),
        cmocka_unit_test (many_devices),
        cmocka_unit_test (absent),
        cmocka_unit_test (frozen),
        cmocka_unit_test_setup_teardown (quota_above, move_below, move_back),
        cmocka_unit_test_setup_teardown (oom_group, move_below, move_back),
        cmocka_unit_test_setup_teardown (memory_room, move_below, move_back),
        cmocka_unit_test_setup_teardown (memory_high, move_below, move_back),
        cmocka_unit_test_setup_teardown (swap, move_below, move_back),
        cmocka_unit_test_setup_teardown (pids, move_below, move_back),
        cmocka_unit_test_setup_teardown (cpuset, move_below, move_back),
        cmocka_unit_test_setup_teardown (disk_limits, move_below, move_back),
        cmocka_unit_test (cpu_lists),
        cmocka_unit_test (deep) };
  return cmocka_run_group_tests_name ("sample", tests, make_tree, drop_tree);
}
