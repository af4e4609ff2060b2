/* Samples of a cgroup v2 tree, from files as a kernel writes them: the behaviour tests see v2 only where the machine has it. */
#include "unit.h"

#include "sample.h"

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
  snprintf (path, sizeof path, "%s/pod", top);
  mkdir (path, 0755);
  snprintf (path, sizeof path, "%s/pod/container", top);
  mkdir (path, 0755);
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
  return sample.present >> field & 1 ? sample.value[field] : -2;
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
    { MEMORY_OOM_EVENTS, 3 },  { MEMORY_OOM_KILLS, 2 },    { MEMORY_OOM_GROUP, 1 },       { MEMORY_INACTIVE_FILE_BYTES, 4096 }, { PIDS_CURRENT, 5 },
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
  put ("pod/memory.max", "67108864\n");
  assert_int_equal (value_of (MEMORY_LIMIT_BYTES), 67108864);
  put ("pod/container/memory.max", "33554432\n");
  assert_int_equal (value_of (MEMORY_LIMIT_BYTES), 33554432);
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
    = { cmocka_unit_test (counters), cmocka_unit_test (memory_limits), cmocka_unit_test (quotas), cmocka_unit_test (absent), cmocka_unit_test (frozen) };
  return cmocka_run_group_tests_name ("sample", tests, make_tree, drop_tree);
}
