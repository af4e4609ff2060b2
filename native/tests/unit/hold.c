#include "unit.h"

#include "hold/hold.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* The guardian is ourselves here, and the target's network what is opened at `path`. */
static int
read_back_of (const char *path, bool network, int *entered, int *of, struct error *err)
{
  struct hold hold = { .revert = REVERT_NONE };
  struct run run = RUN_NONE;
  const struct undo table = { .kind = UNDO_TABLE, .name = "chaos" };
  run.hold = &hold;
  run.revert = &hold.revert;
  run.target.namespaces.fd[NS_NET] = open (path, O_RDONLY | O_CLOEXEC);
  hold.revert.guardian.pid = getpid ();
  if (network)
    assert_true (undo_push (&hold.revert.undo, &table));
  int result = hold_read_back (&run, entered, of, err);
  close (run.target.namespaces.fd[NS_NET]);
  return result;
}

static void
reads_back (void **state)
{
  (void) state;
  struct error err = { 0 };
  int entered = 7;
  int of = 7;
  assert_int_equal (read_back_of ("/proc/self/ns/net", true, &entered, &of, &err), 0);
  assert_int_equal (entered, 1);
  assert_int_equal (of, 1);
  assert_int_equal (read_back_of ("/proc/self/ns/net", false, &entered, &of, &err), 0);
  assert_int_equal (entered, 0);
  assert_int_equal (of, 0);
  /* Another namespace than that of the guardian. */
  assert_int_equal (read_back_of ("/proc/self/ns/uts", true, &entered, &of, &err), -1);
  assert_string_equal (err.code, "readback");
  assert_int_equal (entered, 0);
}

int
unit_hold (void)
{
  const struct CMUnitTest tests[] = { cmocka_unit_test (reads_back) };
  return cmocka_run_group_tests_name ("hold", tests, NULL, NULL);
}
