#include "unit.h"

#include "undo/undo-network.h"
#include "undo/stopped.h"
#include "undo/undo-words.h"

#include "undo/netlink.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool
add (struct undo_list *list, const char *text)
{
  static char line[256];
  struct words words;
  size_t length = strlen (text);
  memcpy (line, text, length + 1);
  assert_true (words_parse (&words, line, length));
  return undo_add (list, &words);
}

static void
takes (void **state)
{
  (void) state;
  static const struct
  {
    const char *line;
    struct
    {
      enum undo_kind kind;
      const char *name;
      uint32_t handle;
      int32_t queue_length;
    } undo;
  } table[] = {
    { "undo qdisc eth0 c4a0:", { UNDO_QDISC, "eth0", 0xc4a00000, 0 } }, { "undo qdisc a b:", { UNDO_QDISC, "a", 0x000b0000, 0 } },
    { "undo qdisc eth0 ffff:", { UNDO_QDISC, "eth0", 0xffff0000, 0 } }, { "undo ingress eth0", { UNDO_INGRESS, "eth0", 0, 0 } },
    { "undo link fifteen-letters", { UNDO_LINK, "fifteen-letters", 0, 0 } }, { "undo link %22-%25d%C3%A9", { UNDO_LINK, "\"-%d\xc3\xa9", 0, 0 } },
    { "undo table chaos_7f3k2", { UNDO_TABLE, "chaos_7f3k2", 0, 0 } },  { "undo table a%20b/:", { UNDO_TABLE, "a b/:", 0, 0 } },
    { "undo txqueuelen eth0 0", { UNDO_QUEUE, "eth0", 0, 0 } },      { "undo txqueuelen eth0 2147483647", { UNDO_QUEUE, "eth0", 0, INT32_MAX } },
  };
  struct undo_list list = { .count = 0 };
  for (size_t i = 0; i < COUNT (table); i++)
    {
      if (! add (&list, table[i].line))
        fail_msg ("not taken: %s", table[i].line);
      assert_int_equal (list.count, i + 1);
      assert_int_equal (list.item[i].kind, table[i].undo.kind);
      assert_string_equal (list.item[i].name, table[i].undo.name);
      assert_int_equal (list.item[i].handle, table[i].undo.handle);
      assert_int_equal (list.item[i].queue_length, table[i].undo.queue_length);
    }
}

static void
refuses (void **state)
{
  (void) state;
  static const char *const table[] = {
    "undo qdisc eth0",        "undo qdisc eth0 1: x",      "undo qdisc eth0 0:",       "undo qdisc eth0 0000:",   "undo qdisc eth0 :",      "undo qdisc eth0 1",
    "undo qdisc eth0 1:1",    "undo qdisc eth0 1::",       "undo qdisc eth0 12345:",   "undo qdisc eth0 C4A0:",   "undo qdisc eth0 0x1:",   "undo qdisc eth0 -1:",
    "undo ingress",           "undo ingress eth0 x",       "undo link",                "undo link a b",           "undo table",             "undo table a b",
    "undo link sixteen-letters-",                          "undo frobnicate x",        "undo Link x",             "undo link x <input",     "undo qdisc a 1: <",
    "undo link eth0:1",       "undo link a/b",             "undo link a%20b",          "undo link a%09",          "undo link .",            "undo link ..",
    "undo txqueuelen eth0",   "undo txqueuelen eth0 -1",   "undo txqueuelen eth0 2147483648", "undo txqueuelen eth0 x", "undo txqueuelen e:0 1",
    "undo table 0123456789012345678901234567890123456789012345678901234567890123",
  };
  struct undo_list list = { .count = 0 };
  for (size_t i = 0; i < COUNT (table); i++)
    if (add (&list, table[i]))
      fail_msg ("taken: `%s`", table[i]);
  assert_int_equal (list.count, 0);
}

static void
at_most (void **state)
{
  (void) state;
  struct undo_list list = { .count = 0 };
  for (size_t i = 0; i < UNDO_MAX; i++)
    assert_true (add (&list, "undo link x"));
  assert_false (add (&list, "undo link x"));
  assert_int_equal (list.count, UNDO_MAX);
}

static void
in_front (void **state)
{
  (void) state;
  struct undo_list list = { .count = 0 };
  const struct undo first = { .kind = UNDO_QDISC, .name = "t0", .index = 9 };
  while (list.count < UNDO_MAX - 1)
    assert_true (add (&list, "undo link x"));
  assert_true (undo_unshift (&list, &first));
  assert_int_equal (list.count, UNDO_MAX);
  assert_int_equal (list.item[0].index, 9);
  assert_string_equal (list.item[1].name, "x");
  assert_string_equal (list.item[UNDO_MAX - 1].name, "x");
  assert_false (undo_unshift (&list, &first));
}

/* As the kernel tells of a link. */
static void
tell (int fd, uint16_t type, int index, const char *name, const char *kind)
{
  struct request request = { 0 };
  char info[32] = { 0 };
  const struct nlattr inner = { .nla_len = (uint16_t) (NLA_HDRLEN + strlen (kind) + 1), .nla_type = IFLA_INFO_KIND };
  struct ifinfomsg *link = request_begin (&request, type, 0, sizeof *link);
  link->ifi_index = index;
  request_text (&request, IFLA_IFNAME, name);
  memcpy (info, &inner, sizeof inner);
  memcpy (info + NLA_HDRLEN, kind, strlen (kind) + 1);
  request_bytes (&request, IFLA_LINKINFO, info, NLA_ALIGN (inner.nla_len));
  assert_int_equal (send (fd, request.bytes, request.length, 0), request.length);
}

/* A link is the one that was first made by its name, whatever it is called later, and an ifb. */
static void
learns (void **state)
{
  (void) state;
  struct undo_list list = { .count = 0 };
  int ends[2];
  assert_int_equal (socketpair (AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
  assert_true (add (&list, "undo ingress chaos0") && add (&list, "undo link chaos0") && add (&list, "undo link chaos1") && add (&list, "undo link chaos2"));
  tell (ends[1], RTM_NEWLINK, 5, "chaos0", "veth");
  tell (ends[1], RTM_DELLINK, 6, "chaos0", "ifb");
  tell (ends[1], RTM_NEWLINK, 7, "chaos0", "ifb");
  tell (ends[1], RTM_NEWLINK, 7, "other", "ifb");
  tell (ends[1], RTM_NEWLINK, 8, "chaos0", "ifb");
  tell (ends[1], RTM_NEWLINK, 9, "chaos2", "ifb");
  network_learn (ends[0], &list);
  assert_int_equal (list.item[0].index, 0);
  assert_int_equal (list.item[1].index, 7);
  assert_int_equal (list.item[2].index, 0);
  assert_int_equal (list.item[3].index, 9);
  network_learn (-1, &list);
  assert_int_equal (list.item[1].index, 7);
  close (ends[0]);
  close (ends[1]);
}

static bool
read_setting (const char *text, struct undo *setting)
{
  static char line[512];
  struct words words;
  size_t length = strlen (text);
  memcpy (line, text, length + 1);
  return words_parse (&words, line, length) && setting_parse (&words, setting);
}

static void
takes_settings (void **state)
{
  (void) state;
  static const struct
  {
    const char *line, *file, *device, *value;
  } table[] = {
    { "setting io.max 8:16 wbps=1048576", "io.max", "8:16", "wbps=1048576" },
    { "setting io.max 08:016 riops=max wiops=0050 rbps=0 wbps=18446744073709551615", "io.max", "8:16", "riops=max wiops=50 rbps=0 wbps=18446744073709551615" },
    { "setting blkio.throttle.read_bps_device 253:0 0", "blkio.throttle.read_bps_device", "253:0", "0" },
    { "setting blkio.throttle.write_iops_device 4294967295:4294967295 007", "blkio.throttle.write_iops_device", "4294967295:4294967295", "7" },
    { "setting blkio.throttle.write_bps_device 7:0 1", "blkio.throttle.write_bps_device", "7:0", "1" },
    { "setting blkio.throttle.read_iops_device 7:0 1", "blkio.throttle.read_iops_device", "7:0", "1" },
  };
  for (size_t i = 0; i < COUNT (table); i++)
    {
      struct undo setting;
      if (! read_setting (table[i].line, &setting))
        fail_msg ("not taken: %s", table[i].line);
      assert_int_equal (setting.kind, UNDO_SETTING);
      assert_string_equal (setting.name, table[i].file);
      assert_string_equal (setting.device, table[i].device);
      assert_string_equal (setting.value, table[i].value);
      assert_int_equal (setting.cgroup, -1);
    }
}

static void
refuses_settings (void **state)
{
  (void) state;
  static const char *const table[] = {
    "setting",
    "setting io.max",
    "setting io.max 8:0",
    "setting io.weight 8:0 1",
    "setting ../io.max 8:0 wbps=1",
    "setting IO.MAX 8:0 wbps=1",
    "setting io.max 8 wbps=1",
    "setting io.max 8: wbps=1",
    "setting io.max :0 wbps=1",
    "setting io.max 8:0:0 wbps=1",
    "setting io.max 8:x wbps=1",
    "setting io.max 4294967296:0 wbps=1",
    "setting io.max 8:0 1",
    "setting io.max 8:0 wbps",
    "setting io.max 8:0 wbps=",
    "setting io.max 8:0 =1",
    "setting io.max 8:0 wbps=maximum",
    "setting io.max 8:0 wbps=-1",
    "setting io.max 8:0 wbps=1%20rbps=2",
    "setting io.max 8:0 wbps=18446744073709551616",
    "setting io.max 8:0 wbps=1 wbps=1",
    "setting io.max 8:0 wbps=1 rbps=1 wiops=1 riops=1 wbps=1",
    "setting io.max 8:0 wbps=1 <x",
    "setting blkio.throttle.read_bps_device 8:0 max",
    "setting blkio.throttle.read_bps_device 8:0 1 1",
    "setting blkio.throttle.read_bps_device 8:0 rbps=1",
    "setting blkio.throttle.read_bps_device 8:0 1%0A8:16%201",
  };
  for (size_t i = 0; i < COUNT (table); i++)
    {
      struct undo setting;
      if (read_setting (table[i], &setting))
        fail_msg ("taken: `%s`", table[i]);
    }
}

/* What is written of a list reads as the list. */
static void
records (void **state)
{
  (void) state;
  static char text[RECORD_MAX_BYTES];
  struct undo_list list = { .count = 0 };
  const struct undo directory = { .kind = UNDO_DIRECTORY, .name = ".kubectl-chaos-7f3k2", .inode = 18446744073709551615U, .path = "/a b/100%/\xc3\xbc<\n" };
  struct undo setting;
  assert_true (read_setting ("setting io.max 8:16 rbps=max wbps=max riops=max wiops=50", &setting));
  strcpy (setting.wanted, "wbps=7 riops=max");
  assert_true (undo_push (&list, &directory) && undo_push (&list, &setting) && add (&list, "undo link x"));
  assert_true (record_write (&list, NULL, 0, text));
  assert_string_equal (text, "directory /a%20b/100%25/%C3%BC%3C%0A .kubectl-chaos-7f3k2 18446744073709551615\nsetting io.max 8:16 rbps=max wbps=max riops=max wiops=50 over wbps=7 riops=max\n");
  struct undo read;
  char *end = strchr (text, '\n');
  *end = '\0';
  assert_true (record_read (text, (size_t) (end - text), &read));
  assert_int_equal (read.kind, UNDO_DIRECTORY);
  assert_string_equal (read.path, directory.path);
  assert_string_equal (read.name, directory.name);
  assert_true (read.inode == directory.inode);
  char *second = end + 1;
  end = strchr (second, '\n');
  *end = '\0';
  assert_true (record_read (second, (size_t) (end - second), &read));
  assert_string_equal (read.value, setting.value);
  assert_string_equal (read.wanted, setting.wanted);
}

/* A line for each process that is stopped; read again, each is one by itself. */
static void
pauses (void **state)
{
  (void) state;
  static char text[RECORD_MAX_BYTES];
  static struct stopped stopped;
  struct undo_list list = { .count = 0 };
  const struct undo freeze = { .kind = UNDO_FREEZE };
  const struct undo stop = { .kind = UNDO_STOPPED, .stopped = &stopped };
  stopped.count = 2;
  stopped.item[0].process = (struct process) { .pid = 4711, .start_ticks = 12 };
  stopped.item[1].process = (struct process) { .pid = INT32_MAX, .start_ticks = UINT64_MAX };
  assert_true (undo_push (&list, &freeze) && undo_push (&list, &stop));
  assert_true (record_write (&list, NULL, 0, text));
  assert_string_equal (text, "freeze\nstopped 4711 12\nstopped 2147483647 18446744073709551615\n");
  struct undo read;
  char line[] = "stopped 4711 12";
  assert_true (record_read (line, strlen (line), &read));
  assert_int_equal (read.kind, UNDO_STOPPED);
  assert_int_equal (read.pid, 4711);
  assert_true (read.start_ticks == 12 && read.stopped == NULL && read.cgroup == -1);
  char other[] = "freeze";
  assert_true (record_read (other, strlen (other), &read));
  assert_int_equal (read.kind, UNDO_FREEZE);
  /* As many as there may be, of the longest, with who is at work. */
  const struct lease longest = { .pid = INT32_MAX, .start_ticks = UINT64_MAX, .pid_namespace = UINT64_MAX };
  const struct lease leases[] = { longest, longest };
  for (stopped.count = 0; stopped.count < PROCESSES_MAX; stopped.count++)
    stopped.item[stopped.count].process = (struct process) { .pid = 4194304, .start_ticks = UINT64_MAX };
  assert_true (record_write (&list, leases, 2, text));
}

static void
longest_record (void **state)
{
  (void) state;
  static char text[RECORD_MAX_BYTES], path[4096];
  struct undo_list list = { .count = 0 };
  struct undo setting;
  struct undo directory = { .kind = UNDO_DIRECTORY, .name = ".kubectl-chaos-7f3k2", .path = path };
  memset (path, '\x01', sizeof path - 1);
  path[0] = '/';
  assert_true (read_setting ("setting blkio.throttle.write_iops_device 4294967295:4294967295 18446744073709551615", &setting));
  assert_true (undo_push (&list, &directory));
  const struct lease longest = { .pid = INT32_MAX, .start_ticks = UINT64_MAX, .pid_namespace = UINT64_MAX };
  const struct lease leases[] = { longest, longest };
  while (list.count < UNDO_MAX)
    assert_true (undo_push (&list, &setting));
  assert_true (record_write (&list, leases, 2, text));
  assert_int_equal (text[strlen (text) - 1], '\n');
  list.item[1] = directory;
  assert_false (record_write (&list, NULL, 0, text));
}

static void
refuses_records (void **state)
{
  (void) state;
  static const char *const table[] = {
    "",
    "x",
    "directory",
    "directory /data",
    "directory data .kubectl-chaos-a",
    "directory /data kubectl-chaos-a",
    "directory /data .kubectl-chaos-a/b",
    "directory /data .kubectl-chaos-/../..",
    "directory /data .kubectl-chaos-a 0",
    "directory /data .kubectl-chaos-a -1",
    "directory /data .kubectl-chaos-a 18446744073709551616",
    "directory /data .kubectl-chaos-a 1 2",
    "directory /data .kubectl-chaos-a <1",
    "directory /data .kubectl-chaos-0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890",
    "setting cgroup.procs 8:0 1",
    "undo link eth0",
    "freeze 1",
    "freeze <x",
    "freezer",
    "stopped",
    "stopped 1",
    "stopped 0 1",
    "stopped -1 1",
    "stopped 2147483648 1",
    "stopped 1 x",
    "stopped 1 18446744073709551616",
    "stopped 1 2 3",
    "stopped 1 2 <x",
    "setting io.max 8:0 wbps=1 ",
    "setting io.max 8:0 wbps=1",
    "setting io.max 8:0 wbps=1 over",
    "setting io.max 8:0 over wbps=1",
    "setting io.max over wbps=1",
    "setting over 8:0 over",
    "setting over",
    "over",
    "setting io.max 8:0 wbps=1 over 8:0 wbps=1",
    "setting io.max 8:0 wbps=1 over wbps=2 over wbps=3",
    "setting io.max 8:0 wbps=1 over wbps=2 <x",
    "setting io.max 8:0 wbps=1 over 2",
    "setting blkio.throttle.read_bps_device 8:0 1 over max",
    "setting blkio.throttle.read_bps_device 8:0 1 over 1 1",
  };
  for (size_t i = 0; i < COUNT (table); i++)
    {
      char line[256];
      struct undo undo;
      memcpy (line, table[i], strlen (table[i]) + 1);
      if (record_read (line, strlen (line), &undo))
        fail_msg ("taken: `%s`", table[i]);
    }
}

static bool
read_lease (const char *text, struct lease *lease)
{
  return lease_read ((struct span) { text, strlen (text) }, lease);
}

/* What is written of who is at work reads as that. */
static void
leases (void **state)
{
  (void) state;
  static char text[RECORD_MAX_BYTES];
  const struct lease both[] = { { .pid = 4711, .start_ticks = 0, .pid_namespace = 4026531836 }, { .pid = INT32_MAX, .start_ticks = UINT64_MAX, .pid_namespace = UINT64_MAX } };
  const struct undo_list none = { .count = 0 };
  assert_true (record_write (&none, both, 2, text));
  assert_string_equal (text, "lease 4711 0 4026531836\nlease 2147483647 18446744073709551615 18446744073709551615\n");
  for (size_t i = 0; i < 2; i++)
    {
      struct lease read;
      char *line = i == 0 ? text : strchr (text, '\0') + 1;
      char *end = strchr (line, '\n');
      *end = '\0';
      assert_true (read_lease (line, &read));
      assert_true (read.pid == both[i].pid && read.start_ticks == both[i].start_ticks && read.pid_namespace == both[i].pid_namespace);
    }
}

static void
refuses_leases (void **state)
{
  (void) state;
  static const char *const table[] = {
    "", "lease", "lease ", "lease 1", "lease 1 1", "lease 1 1 ", "lease 1 1 1 ", "lease 1 1 1 1", "lease  1 1 1", " lease 1 1 1", "Lease 1 1 1", "lease 0 1 1", "lease -1 1 1",
    "lease 2147483648 1 1", "lease 4294967297 1 1", "lease 1 18446744073709551616 1", "lease 1 1 0", "lease 1 x 1", "lease %31 1 1", "setting io.max 8:0 wbps=1",
  };
  for (size_t i = 0; i < COUNT (table); i++)
    {
      struct lease lease;
      if (read_lease (table[i], &lease))
        fail_msg ("taken: `%s`", table[i]);
    }
}

int
unit_undo (void)
{
  const struct CMUnitTest tests[] = { cmocka_unit_test (takes), cmocka_unit_test (refuses), cmocka_unit_test (at_most), cmocka_unit_test (in_front), cmocka_unit_test (learns),
                                      cmocka_unit_test (takes_settings), cmocka_unit_test (refuses_settings), cmocka_unit_test (records),
                                      cmocka_unit_test (leases), cmocka_unit_test (pauses), cmocka_unit_test (refuses_leases), cmocka_unit_test (longest_record), cmocka_unit_test (refuses_records) };
  return cmocka_run_group_tests_name ("undo", tests, NULL, NULL);
}
