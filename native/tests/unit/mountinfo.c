#include "unit.h"

#include "proc/mountinfo.h"

#include <string.h>

static const char text[] = "27 1 254:0 / / rw - ext4 /dev/vda rw\n"
                           "28 27 0:21 / /proc rw - proc proc rw\n"
                           "29 27 8:1 / /var rw - xfs /dev/sda1 rw\n"
                           "30 29 8:2 /k /var/lib/kub\\040elet rw - ext4 /dev/sda2 rw\n"
                           "31 27 8:3 / /va rw - ext4 /dev/sda3 rw\n"
                           "32 29 8:4 / /var rw - ext4 /dev/sda4 rw\n"
                           "33 27 0:50 / /etc/hosts rw - tmpfs  rw\n"
                           "34 27 0:51 / /merged rw - overlay overlay rw,lowerdir=/a:/b\\054c,upperdir=/up\\040per\\054x,workdir=/w\n";

static void
by_id (void **state)
{
  (void) state;
  struct mount_line line;
  assert_true (mountinfo_find (SPAN (text), 33, &line));
  assert_true (span_equal (line.point, "/etc/hosts") && span_equal (line.source, "") && span_equal (line.type, "tmpfs"));
  assert_true (mountinfo_find (SPAN (text), 27, &line));
  assert_true (span_equal (line.source, "/dev/vda"));
  assert_false (mountinfo_find (SPAN (text), 1, &line));
  assert_false (mountinfo_find (SPAN (""), 1, &line));
}

/* Whole components; the longest; of two at the same place the later. */
static void
covering (void **state)
{
  (void) state;
  static const struct
  {
    const char *path;
    uint64_t id;
  } table[] = { { "/", 27 }, { "/v", 27 }, { "/va", 31 }, { "/vax", 27 }, { "/va/x", 31 }, { "/var", 32 }, { "/var/lib", 32 }, { "/var/lib/kub elet", 30 }, { "/var/lib/kub elet/pods", 30 }, { "/var/lib/kub elets", 32 } };
  struct mount_line line;
  for (size_t i = 0; i < COUNT (table); i++)
    {
      assert_true (mountinfo_covering (SPAN (text), table[i].path, &line));
      if (line.id != table[i].id)
        fail_msg ("%s is in %d, not in %d", table[i].path, (int) line.id, (int) table[i].id);
    }
  assert_false (mountinfo_covering (SPAN ("29 27 8:1 / /var rw - xfs /dev/sda1 rw\n"), "/", &line));
  assert_false (mountinfo_covering (SPAN (""), "/", &line));
}

static void
options (void **state)
{
  (void) state;
  struct mount_line line;
  char value[32];
  assert_true (mountinfo_find (SPAN (text), 34, &line));
  assert_true (mountinfo_option (line.super_options, "upperdir", value, sizeof value));
  assert_string_equal (value, "/up per,x");
  assert_true (mountinfo_option (line.super_options, "workdir", value, sizeof value));
  assert_string_equal (value, "/w");
  assert_false (mountinfo_option (line.super_options, "upper", value, sizeof value));
  assert_false (mountinfo_option (line.super_options, "rw", value, sizeof value));
  assert_false (mountinfo_option (line.super_options, "upperdir", value, 4));
}

static void
points (void **state)
{
  (void) state;
  char names[64];
  mountinfo_name_points (SPAN (text), names, sizeof names);
  assert_string_equal (names, "/, /var, /var/lib/kub elet, /va, /var, /merged");
  mountinfo_name_points (SPAN (text), names, 20);
  assert_string_equal (names, "/, /var, …");
  mountinfo_name_points (SPAN ("28 27 0:21 / /proc rw - proc proc rw\n"), names, sizeof names);
  assert_string_equal (names, "");
}

static void
of_descriptor (void **state)
{
  (void) state;
  uint64_t id = 0;
  assert_true (proc_mount_id (SPAN ("pos:\t0\nflags:\t0100000\nmnt_id:\t471\nino:\t2\n"), &id));
  assert_int_equal (id, 471);
  assert_false (proc_mount_id (SPAN ("pos:\t0\nmnt_id:\t\n"), &id));
  assert_false (proc_mount_id (SPAN ("pos:\t0\n"), &id));
}

int
unit_mountinfo (void)
{
  const struct CMUnitTest tests[] = { cmocka_unit_test (by_id), cmocka_unit_test (covering), cmocka_unit_test (options), cmocka_unit_test (points), cmocka_unit_test (of_descriptor) };
  return cmocka_run_group_tests_name ("mountinfo", tests, NULL, NULL);
}
