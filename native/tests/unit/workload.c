/* The line that takes the place of the workload's argv. */
#include "unit.h"

#include "enter/workload-line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *
take (struct workload_line *workload, const char *line)
{
  return workload_line_take (workload, "stress-ng", line, strlen (line));
}

static void
is_one (void **state)
{
  (void) state;
  assert_true (workload_line_is ("workload", 8));
  assert_true (workload_line_is ("workload a", 10));
  assert_false (workload_line_is ("workloads", 9));
  assert_false (workload_line_is ("work", 4));
  assert_false (workload_line_is (" workload a", 11));
}

static void
taken (void **state)
{
  (void) state;
  struct workload_line workload = { 0 };
  assert_null (workload_line_argv (&workload));
  assert_null (take (&workload, "workload stress-ng --vm-bytes 1 a%20b"));
  char **argv = workload_line_argv (&workload);
  assert_non_null (argv);
  assert_string_equal (argv[0], "stress-ng");
  assert_string_equal (argv[2], "1");
  assert_string_equal (argv[3], "a b");
  assert_null (argv[4]);
  /* The last one counts. */
  assert_null (take (&workload, "workload stress-ng --cpu 1"));
  assert_string_equal (workload_line_argv (&workload)[1], "--cpu");
  workload_line_free (&workload);
  assert_null (workload_line_argv (&workload));
}

static void
refused (void **state)
{
  (void) state;
  static const char *const lines[] = { "workload", "workload ", "workload sh -c x", "workload stress-ng  x", "workload stress-ng %0", "workload stress-ng %00", "workload stress-ng <x", "workload stress-ng \x01" };
  for (size_t i = 0; i < COUNT (lines); i++)
    {
      struct workload_line workload = { 0 };
      assert_null (take (&workload, "workload stress-ng --cpu 1"));
      if (take (&workload, lines[i]) == NULL)
        fail_msg ("taken: %s", lines[i]);
      /* Nothing is run, neither what stood before nor what the command line has. */
      assert_true (workload.spoiled);
      assert_null (workload_line_argv (&workload));
      assert_null (take (&workload, "workload stress-ng --cpu 1"));
      assert_false (workload.spoiled);
      workload_line_free (&workload);
    }
}

static void
bounded (void **state)
{
  (void) state;
  for (size_t more = 0; more < 2; more++)
    {
      char line[1024] = "workload stress-ng";
      for (size_t i = 2; i < WORDS_MAX + more; i++)
        strcat (line, " x");
      struct workload_line workload = { 0 };
      assert_int_equal (take (&workload, line) == NULL, more == 0);
      workload_line_free (&workload);
    }
}

int
unit_workload (void)
{
  const struct CMUnitTest tests[] = { cmocka_unit_test (is_one), cmocka_unit_test (taken), cmocka_unit_test (refused), cmocka_unit_test (bounded) };
  return cmocka_run_group_tests_name ("workload", tests, NULL, NULL);
}
