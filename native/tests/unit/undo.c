#include "unit.h"

#include "undo.h"

#include <string.h>

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
    struct undo undo;
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
      assert_int_equal (list.item[i].length, table[i].undo.length);
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

int
unit_undo (void)
{
  const struct CMUnitTest tests[] = { cmocka_unit_test (takes), cmocka_unit_test (refuses), cmocka_unit_test (at_most) };
  return cmocka_run_group_tests_name ("undo", tests, NULL, NULL);
}
