#include "unit.h"

#include "proc/modules.h"
#include "proc/proc.h"

#include <stdio.h>
#include <string.h>

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void
names_container (void **state)
{
  (void) state;
  static const struct
  {
    const char *path, *prefix; /* NULL: none of the container's */
  } table[] = {
    { "/kubepods/burstable/pod1/" ID, "/kubepods/burstable/pod1/" ID },
    { "/" ID, "/" ID },
    { "/a/cri-containerd-" ID ".scope", "/a/cri-containerd-" ID ".scope" },
    { "/a/crio-" ID ".scope", "/a/crio-" ID ".scope" },
    { "/a/docker-" ID ".scope", "/a/docker-" ID ".scope" },
    { "/a/libpod-" ID ".scope", "/a/libpod-" ID ".scope" },
    { "/a/nerdctl-" ID ".scope", "/a/nerdctl-" ID ".scope" },
    { "/a/libpod-" ID ".scope/container", "/a/libpod-" ID ".scope" },
    { "/a/crio-" ID, "/a/crio-" ID },
    { "/a/crio-" ID "/container", "/a/crio-" ID },
    { "/a/libpod-" ID, "/a/libpod-" ID },
    { "/a/cri-containerd-" ID, "/a/cri-containerd-" ID },
    { "/a/docker-" ID, "/a/docker-" ID },
    { "/crio-" ID, "/crio-" ID },
    { "/crio-conmon-" ID "/crio-" ID, "/crio-conmon-" ID "/crio-" ID },
    { "/system.slice/kubepods-burstable-podX.slice:cri-containerd:" ID, "/system.slice/kubepods-burstable-podX.slice:cri-containerd:" ID },
    { "/a.slice:crio:" ID "/container", "/a.slice:crio:" ID },
    { "/system.slice:cri-containerd:" ID, "/system.slice:cri-containerd:" ID },
    { "/a/" ID "/init.scope", "/a/" ID },
    { "/a/crio-conmon-" ID ".scope", NULL },
    { "/a/libpod-conmon-" ID ".scope", NULL },
    { "/a/crio-conmon-" ID, NULL },
    { "/a/libpod-conmon-" ID, NULL },
    { "/a/crio-conmon-" ID "/container", NULL },
    { "/a.slice:crio-conmon:" ID, NULL },
    { "/a.slice:libpod-conmon:" ID, NULL },
    { "/a.slice:crio-conmon:" ID ".scope", NULL },
    { "/a.slice:crio:" ID ".scope", NULL },
    { "/a.slice:cri-containerd-" ID, NULL },
    { "/a.slice:cri-containerd:b:" ID, NULL },
    { "/a/" ID "0", NULL },
    { "/a/0" ID, NULL },
    { "/a/crio-" ID ".service", NULL },
    { "/a/crio-" ID ".scope.x", NULL },
    { "/a/crio-" ID "0", NULL },
    { "/a/crio-0" ID, NULL },
    { "/a/crio-0" ID ".scope", NULL },
    { "/a/crio" ID, NULL },
    { "/a/crio_" ID, NULL },
    { "/a/other-" ID, NULL },
    { "/a/-" ID, NULL },
    { "/a/-" ID ".scope", NULL },
    { "/a/" ID ".scope", NULL },
    { "/a/crio-" ID ".scope.scope", NULL },
    { "/a/crio-.scope", NULL },
    { "/a/crio-", NULL },
    { "/a/.scope", NULL },
    { "/", NULL },
    { "", NULL },
    { "/../" ID "x", NULL },
  };
  for (size_t i = 0; i < COUNT (table); i++)
    {
      struct span prefix = { 0 };
      int found = proc_path_names_container (SPAN (table[i].path), ID, &prefix);
      if (found != (table[i].prefix != NULL) || (found && ! span_equal (prefix, table[i].prefix)))
        fail_msg ("%s: %s, prefix %.*s", table[i].path, found ? "found" : "not found", (int) prefix.length, prefix.at);
    }
}

static void
cgroup_lines (void **state)
{
  (void) state;
  struct span rest = SPAN ("12:cpu,cpuacct:/a:b/c d\n3:name=systemd:/\nnonsense\n\n5:memory\n0::/x/../y\n7:pids:/last");
  static const char *const expected[] = { "cpu,cpuacct=/a:b/c d", "name=systemd=/", "=/x/../y", "pids=/last" };
  struct cgroup_line line;
  size_t n = 0;
  for (; proc_next_cgroup (&rest, &line); n++)
    {
      char text[64];
      snprintf (text, sizeof text, "%.*s=%.*s", (int) line.name.length, line.name.at, (int) line.path.length, line.path.at);
      assert_true (n < COUNT (expected));
      assert_string_equal (text, expected[n]);
    }
  assert_int_equal (n, COUNT (expected));
}

static void
mount_lines (void **state)
{
  (void) state;
  struct span rest = SPAN ("36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 propagate_from:2 - ext3 /dev/root rw,errors=continue\n"
                           "broken line without a separator\n"
                           "x 35 98:0 / /of/no/number rw - ext3 /dev/root rw\n"
                           "31 23 0:29 /kubepods /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpuacct,cpu\n"
                           "40 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 none rw,nsdelegate\n");
  struct mount_line line;
  char point[32];
  assert_true (proc_next_mount (&rest, &line));
  assert_true (span_equal (line.type, "ext3") && span_equal (line.root, "/mnt1") && span_equal (line.device, "98:0"));
  assert_true (line.id == 36 && span_equal (line.source, "/dev/root"));
  assert_true (proc_unescape (line.point, point, sizeof point));
  assert_string_equal (point, "/mnt 2");
  assert_false (proc_unescape (line.point, point, 3));
  assert_true (proc_next_mount (&rest, &line));
  assert_true (span_equal (line.type, "cgroup") && span_equal (line.root, "/kubepods"));
  assert_true (proc_list_holds (line.super_options, SPAN ("cpu,cpuacct")));
  assert_false (proc_list_holds (line.super_options, SPAN ("cp")));
  assert_false (proc_list_holds (line.super_options, SPAN ("cpu,memory")));
  assert_true (proc_next_mount (&rest, &line));
  assert_true (span_equal (line.type, "cgroup2"));
  assert_false (proc_next_mount (&rest, &line));
}

static void
stat_lines (void **state)
{
  (void) state;
  static const char tail[] = " 4 4 4 0 -1 4194560 0 0 0 0 12 3 0 0 20 0 1 0 98765 0 0\n";
  static const struct
  {
    const char *comm, *head;
  } table[] = { { "plain", "7 (plain) S" }, { "a) R 1 (b", "7 (a) R 1 (b) S" }, { ")", "7 ()) S" }, { "", "7 () S" }, { "new\nline", "7 (new\nline) S" } };
  for (size_t i = 0; i < COUNT (table); i++)
    {
      char text[200];
      struct stat_line line;
      snprintf (text, sizeof text, "%s%s", table[i].head, tail);
      assert_true (proc_parse_stat (SPAN (text), &line));
      assert_true (span_equal (line.comm, table[i].comm));
      assert_int_equal (line.state, 'S');
      assert_int_equal (line.parent, 4);
      assert_false (line.exiting);
      assert_int_equal (line.start_ticks, 98765);
      assert_int_equal (line.cpu_ticks, 15);
      assert_int_equal (line.threads, 1);
    }
  struct stat_line line;
  assert_true (proc_parse_stat (SPAN ("7 (dying) S 4 4 4 0 -1 4194564 0 0 0 0 0 0 0 0 20 0 1 0 98765 0 0\n"), &line));
  assert_true (line.exiting);
  assert_false (proc_parse_stat (SPAN ("7 (flags) S 4 4 4 0 -1 ? 0 0 0 0 0 0 0 0 20 0 1 0 98765 0 0\n"), &line));
  assert_true (proc_parse_stat (SPAN ("7 (threads) Z 4 4 4 0 -1 4194564 0 0 0 0 0 0 0 0 20 0 12 0 98765 0 0\n"), &line));
  assert_int_equal (line.threads, 12);
  assert_false (proc_parse_stat (SPAN ("7 (threads) S 4 4 4 0 -1 4194560 0 0 0 0 12 3 0 0 20 0 x 0 98765 0 0\n"), &line));
  assert_false (proc_parse_stat (SPAN ("7 (times) S 4 4 4 0 -1 4194560 0 0 0 0 12 -3 0 0 20 0 1 0 98765 0 0\n"), &line));
  assert_false (proc_parse_stat (SPAN (""), &line));
  assert_false (proc_parse_stat (SPAN ("7 (cut"), &line));
  assert_false (proc_parse_stat (SPAN ("7 (cut) S 4 4"), &line));
}

#define STATUS_CAPS "CapInh:\t0000000000000001\nCapPrm:\t00000000a80425fb\nCapEff:\t00000000a80425fa\nCapBnd:\tffffffffffffffff\nCapAmb:\t0000000000000400\n"

static void
status_fields (void **state)
{
  (void) state;
  struct status status;
  assert_true (proc_parse_status (SPAN ("Name:\tUid:\t9\nUid:\t1\t2\t3\t4\nGid:\t4294967294\t6\t7\t8\nGroups:\t5 6 \n" STATUS_CAPS "NoNewPrivs:\t1\n"), &status));
  assert_int_equal (status.uid[0], 1);
  assert_int_equal (status.uid[2], 3);
  assert_int_equal (status.gid[0], 4294967294U);
  assert_int_equal (status.inheritable, 1);
  assert_int_equal (status.effective, 0xa80425fa);
  assert_true (status.bounding == UINT64_MAX);
  assert_int_equal (status.ambient, 0x400);
  assert_true (status.no_new_privs);
  assert_false (proc_parse_status (SPAN ("Uid:\t1\t2\t3\t4\nGroups:\t\n" STATUS_CAPS "NoNewPrivs:\t1\n"), &status)); /* no Gid */
  assert_false (proc_parse_status (SPAN ("Uid:\t1\t2\t3\t4\nGid:\t1\t2\t3\t4294967296\n"), &status));
  assert_false (proc_parse_status (SPAN (""), &status));
}

static void
numbers (void **state)
{
  (void) state;
  uint64_t value;
  assert_true (span_number (SPAN ("18446744073709551615"), &value) && value == UINT64_MAX);
  static const char *const wrong[] = { "", "18446744073709551616", "99999999999999999999999", "-1", "+1", " 1", "1 ", "0x1", "1\n" };
  for (size_t i = 0; i < COUNT (wrong); i++)
    if (span_number (SPAN (wrong[i]), &value))
      fail_msg ("taken for a number: `%s`", wrong[i]);
}

static void
id_maps (void **state)
{
  (void) state;
  static const char map[] = "         0     100000       1000\n      1000     500000      64536\n";
  uint64_t outside;
  assert_true (proc_map_outside (SPAN (map), 0, &outside) && outside == 100000);
  assert_true (proc_map_outside (SPAN (map), 999, &outside) && outside == 100999);
  assert_true (proc_map_outside (SPAN (map), 1000, &outside) && outside == 500000);
  assert_false (proc_map_outside (SPAN (map), 65536, &outside));
  assert_false (proc_map_outside (SPAN (""), 0, &outside));
}

static void
keyed (void **state)
{
  (void) state;
  static const char text[] = "low 1\noom 2\noom_kill 3\noom_group_kill 4\npopulated 1";
  uint64_t value;
  assert_true (proc_keyed (SPAN (text), "oom", &value) && value == 2);
  assert_true (proc_keyed (SPAN (text), "oom_kill", &value) && value == 3);
  assert_true (proc_keyed (SPAN (text), "populated", &value) && value == 1);
  assert_false (proc_keyed (SPAN (text), "kill", &value));
  assert_false (proc_keyed (SPAN ("oom x\n"), "oom", &value));
}

static void
disk_counts (void **state)
{
  (void) state;
  struct disk_counts counts;
  assert_true (proc_parse_disk_counts (SPAN ("      57        1     2154       12     1000        0   409600      340        0      200      352\n"), &counts));
  assert_int_equal (counts.read_ops, 57);
  assert_int_equal (counts.read_bytes, 2154 * 512);
  assert_int_equal (counts.write_ops, 1000);
  assert_int_equal (counts.write_bytes, 409600 * 512);
  assert_true (proc_parse_disk_counts (SPAN ("1 2 3 4 5 6 7"), &counts) && counts.write_bytes == 7 * 512);
  static const char *const wrong[] = { "", "\n", "1 2 3 4 5 6", "1 2 3 4 5 6 x", "1 2 3 4 5 6\n7", "1 2 18446744073709551615 4 5 6 7", "-1 2 3 4 5 6 7" };
  for (size_t i = 0; i < COUNT (wrong); i++)
    if (proc_parse_disk_counts (SPAN (wrong[i]), &counts))
      fail_msg ("taken for a disk's counts: `%s`", wrong[i]);
}

static void
first_numbers (void **state)
{
  (void) state;
  static const char text[] = "       key      shmid perms                  size  cpid\n"
                             "         0          7   600                  4096     0     0\n"
                             "\n"
                             "-559038737      32768  1600  18446744073709551615  4711\n"
                             "         1          2   600\n"
                             "         1          2   600  18446744073709551616     1\n"
                             "         1          2   600  - 1\n"
                             "3 4 5 6 7";
  static const uint64_t table[][5] = { { 0, 7, 600, 4096, 0 }, { 559038737, 32768, 1600, UINT64_MAX, 4711 }, { 3, 4, 5, 6, 7 } };
  struct span rest = { text, sizeof text - 1 };
  uint64_t found[5];
  for (size_t i = 0; i < COUNT (table); i++)
    {
      assert_true (proc_next_numbers (&rest, found, 5));
      assert_memory_equal (found, table[i], sizeof found);
    }
  assert_false (proc_next_numbers (&rest, found, 5));
}

static void
labels (void **state)
{
  static const struct
  {
    const char *text;
    enum label label;
    const char *profile;
  } rows[] = {
    { "", LABEL_NONE, "" },
    { "\n", LABEL_NONE, "" },
    { "unconfined\n", LABEL_NONE, "" },
    { "cri-containerd.apparmor.d (enforce)\n", LABEL_APPARMOR, "cri-containerd.apparmor.d" },
    { "docker-default (complain)", LABEL_APPARMOR, "docker-default" },
    { "a//&:root:b (mixed)\n", LABEL_APPARMOR, "a//&:root:b" },
    { "a profile (enforce) (kill)\n", LABEL_APPARMOR, "a profile (enforce)" },
    { "snap.x (unconfined)\n", LABEL_APPARMOR, "snap.x" },
    { "system_u:system_r:container_t:s0:c1,c2\n", LABEL_OTHER, "" },
    { "_", LABEL_OTHER, "" },
    { "docker-default (other)\n", LABEL_OTHER, "" },
  };
  (void) state;
  for (size_t i = 0; i < COUNT (rows); i++)
    {
      char profile[PROFILE_BYTES];
      assert_int_equal (proc_parse_label (SPAN (rows[i].text), profile), rows[i].label);
      assert_string_equal (profile, rows[i].profile);
    }
}

static void
modules (void **state)
{
  static const char list[] = "kernel/net/sched/sch_netem.ko.zst: kernel/a/act_mirred.ko.zst\nkernel/b/ifb.ko\n\nnf_tables.ko.gz:\nkernel/sch_ingress.ko/x\nkernel/cls_u32.o:";
  static const struct
  {
    const char *name;
    bool listed;
  } rows[] = { { "sch_netem", true }, { "ifb", true }, { "nf_tables", true }, { "act_mirred", false }, { "sch_ingress", false }, { "cls_u32", false }, { "netem", false }, { "sch_nete", false } };
  (void) state;
  for (size_t i = 0; i < COUNT (rows); i++)
    assert_int_equal (proc_lists_module (SPAN (list), rows[i].name), rows[i].listed);
  assert_false (proc_lists_module (SPAN (""), "ifb"));
}

int
unit_proc (void)
{
  const struct CMUnitTest tests[] = { cmocka_unit_test (names_container), cmocka_unit_test (cgroup_lines), cmocka_unit_test (mount_lines), cmocka_unit_test (stat_lines),
                                      cmocka_unit_test (status_fields),   cmocka_unit_test (numbers),      cmocka_unit_test (id_maps),     cmocka_unit_test (keyed),
                                      cmocka_unit_test (disk_counts),  cmocka_unit_test (first_numbers), cmocka_unit_test (labels),
                                      cmocka_unit_test (modules) };
  return cmocka_run_group_tests_name ("proc", tests, NULL, NULL);
}
