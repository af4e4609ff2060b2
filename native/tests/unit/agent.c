/* The lines of an agent, and the last words of its shims. What they do is in agent.sh. */
#include "unit.h"

#include "agent/agent-line.h"
#include "agent/shim.h"
#include "base/last-words.h"
#include "base/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_32 "abcdefghijklmnopqrstuvwxyz-01234"

static void
lines (void **state)
{
  (void) state;
  static const struct
  {
    const char *text;
    enum agent_line_kind kind;
    const char *name, *rest; /* NULL: not taken */
  } table[] = {
    { "begin web-0 run --pid 1 -- true <", AGENT_LINE_BEGIN, "web-0", "run --pid 1 -- true <" },
    { "to " NAME_32 " start", AGENT_LINE_TO, NAME_32, "start" },
    { "to 0  start ", AGENT_LINE_TO, "0", " start " },
    { "all start", AGENT_LINE_ALL, "", "start" },
    { "all to a start", AGENT_LINE_ALL, "", "to a start" },
    { "to " NAME_32 "5 start", AGENT_LINE_TO, NULL, NULL },
    { "to A start", AGENT_LINE_TO, NULL, NULL },
    { "to  start", AGENT_LINE_TO, NULL, NULL },
    { "to a", AGENT_LINE_TO, NULL, NULL },
    { "to a ", AGENT_LINE_TO, NULL, NULL },
    { "to", AGENT_LINE_TO, NULL, NULL },
    { "to ", AGENT_LINE_TO, NULL, NULL },
    { "all", AGENT_LINE_ALL, NULL, NULL },
    { "all ", AGENT_LINE_ALL, NULL, NULL },
    { "begin", AGENT_LINE_BEGIN, NULL, NULL },
    { "begin a", AGENT_LINE_BEGIN, NULL, NULL },
    { "tools", AGENT_LINE_NONE, "", NULL },
    { "toa start", AGENT_LINE_NONE, "", NULL },
    { " to a start", AGENT_LINE_NONE, "", NULL },
    { "start", AGENT_LINE_NONE, "", NULL },
  };
  for (size_t i = 0; i < COUNT (table); i++)
    {
      struct agent_line line;
      const char *why = agent_line_read (table[i].text, strlen (table[i].text), &line);
      assert_int_equal (line.kind, table[i].kind);
      if ((why == NULL) != (table[i].name != NULL))
        fail_msg ("`%s`: %s", table[i].text, why == NULL ? "taken" : why);
      if (table[i].rest != NULL)
        {
          assert_string_equal (line.name, table[i].name);
          assert_string_equal (table[i].text + line.rest, table[i].rest);
        }
    }
}

/* Cut off anywhere, a line that begins a shim is none. */
static void
whole (void **state)
{
  (void) state;
  static const char text[] = "run --pid 1 --env A=%20b -- stress-ng --cpu 16 <";
  char *argv[SHIM_WORDS_MAX + 1];
  for (size_t length = 0; length <= strlen (text); length++)
    {
      char *copy = strndup (text, length);
      size_t count = words_parse_argv (argv, SHIM_WORDS_MAX, copy, length);
      assert_int_equal (count, length == strlen (text) ? 9 : 0);
      assert_null (argv[count]);
      if (count > 0)
        assert_string_equal (argv[4], "A= b");
      free (copy);
    }
}

static void
too_many (void **state)
{
  (void) state;
  for (size_t count = SHIM_WORDS_MAX - 1; count <= SHIM_WORDS_MAX + 1; count++)
    {
      char text[2 * SHIM_WORDS_MAX + 8];
      char *argv[SHIM_WORDS_MAX + 1];
      for (size_t i = 0; i < count; i++)
        memcpy (text + 2 * i, "x ", 2);
      memcpy (text + 2 * count, "<", 2);
      assert_int_equal (words_parse_argv (argv, SHIM_WORDS_MAX, text, 2 * count + 1), count <= SHIM_WORDS_MAX ? count : 0);
    }
}

static struct last_words
said (const char *line, int taken)
{
  struct last_words words = { 0 };
  char *copy = malloc (strlen (line));
  memcpy (copy, line, strlen (line));
  assert_int_equal (last_words_read (&words, copy, strlen (line)), taken);
  free (copy);
  return words;
}

static void
last_words (void **state)
{
  (void) state;
  assert_int_equal (said ("{\"event\":\"reverted\",\"at_ms\":1,\"left\":0}", 1).end, END_REVERTED);
  assert_string_equal (said ("{\"event\":\"reverted\",\"at_ms\":1,\"left\":0,\"differs\":[]}", 1).code, "");
  assert_string_equal (said ("{\"event\":\"reverted\",\"at_ms\":1,\"left\":0,\"differs\":[\"q\"]}", 1).code, "differs");
  said ("{\"event\":\"ended\",\"at_ms\":1,\"reason\":\"stopped\"}", 0);
  said ("{\"event\":\"output\",\"at_ms\":1,\"text\":\"{\\\"event\\\":\\\"reverted\\\"\"}", 0);
  said ("", 0);
  said ("{\"event\":\"rever", 0);
  struct last_words words = said ("{\"event\":\"error\",\"at_ms\":1,\"code\":\"orders\",\"message\":\"a \\\",\\\"state\\\":\\\"reverted\\\" b\",\"state\":\"unchanged\"}\n", 1);
  assert_int_equal (words.end, END_UNCHANGED);
  assert_string_equal (words.code, "orders");
  assert_string_equal (words.message, "a \\\",\\\"state\\\":\\\"reverted\\\" b");
  assert_int_equal (said ("{\"event\":\"error\",\"at_ms\":1,\"code\":\"apply\",\"message\":\"x\",\"state\":\"reverted\"}", 1).end, END_REVERTED);
  assert_int_equal (said ("{\"event\":\"error\",\"at_ms\":1,\"code\":\"undo\",\"message\":\"x\",\"state\":\"unknown: reverted\"}", 1).end, END_UNKNOWN);
  assert_int_equal (said ("{\"event\":\"error\",\"at_ms\":1,\"code\":\"undo\",\"message\":\"x", 1).end, END_UNKNOWN);
}

/* What is cut is cut between characters, and not within an escape. */
static void
cut_message (void **state)
{
  (void) state;
  static const char *const tails[] = { "\\u001b", "\\n", "\xc3\xbc", "\xe2\x80\xa6", "\xf0\x9f\x98\x80" };
  for (size_t i = 0; i < COUNT (tails); i++)
    for (size_t length = LAST_MESSAGE_BYTES - 8; length < LAST_MESSAGE_BYTES + 2; length++)
      {
        char line[512], filler[LAST_MESSAGE_BYTES + 8] = "";
        memset (filler, 'x', length);
        snprintf (line, sizeof line, "{\"event\":\"error\",\"at_ms\":1,\"code\":\"undo\",\"message\":\"%s%s\",\"state\":\"unchanged\"}", filler, tails[i]);
        struct last_words words = said (line, 1);
        int fits = length + strlen (tails[i]) < LAST_MESSAGE_BYTES;
        size_t kept = length < LAST_MESSAGE_BYTES ? length : LAST_MESSAGE_BYTES - 1;
        assert_int_equal (strlen (words.message), fits ? length + strlen (tails[i]) : kept);
        assert_memory_equal (words.message, filler, kept);
        assert_int_equal (words.end, END_UNCHANGED);
      }
}

static void
log_line (void **state)
{
  (void) state;
  struct last_words words = { .end = END_REVERTED };
  struct json out = { 0 };
  last_words_write (&words, "a", &out);
  words = said ("{\"event\":\"error\",\"at_ms\":1,\"code\":\"undo\",\"message\":\"x \\\"y\\\"\",\"state\":\"unknown: z\"}", 1);
  last_words_write (&words, "b", &out);
  json_raw (&out, "", 1);
  assert_string_equal (out.text, "{\"target\":\"a\",\"end\":\"reverted\"}\n{\"target\":\"b\",\"end\":\"unknown\",\"code\":\"undo\",\"message\":\"x \\\"y\\\"\"}\n");
  json_free (&out);
}

static struct last_words
ended_as (const char *line)
{
  struct last_words words = { 0 };
  char *copy = malloc (strlen (line));
  memcpy (copy, line, strlen (line));
  last_words_take_ended (&words, copy, strlen (line));
  free (copy);
  return words;
}

static void
ended_words (void **state)
{
  (void) state;
  struct last_words words = ended_as ("{\"event\":\"ended\",\"at_ms\":1,\"reason\":\"target-gone\",\"run_ms\":9}");
  struct json out = { 0 };
  assert_string_equal (words.ended, "\"reason\":\"target-gone\",\"run_ms\":9");
  assert_true (last_words_are_early (&words));
  assert_true (last_words_read (&words, "{\"event\":\"reverted\",\"at_ms\":1}", strlen ("{\"event\":\"reverted\",\"at_ms\":1}")));
  last_words_write (&words, "a", &out);
  json_raw (&out, "", 1);
  assert_string_equal (out.text, "{\"target\":\"a\",\"end\":\"reverted\",\"ended\":{\"reason\":\"target-gone\",\"run_ms\":9}}\n");
  json_free (&out);
  static const char *const due[] = { "deadline", "stopped" };
  for (size_t i = 0; i < COUNT (due); i++)
    {
      char line[96];
      snprintf (line, sizeof line, "{\"event\":\"ended\",\"at_ms\":1,\"reason\":\"%s\"}", due[i]);
      words = ended_as (line);
      assert_false (last_words_are_early (&words));
      assert_true (words.ended[0] != '\0');
    }
  static const char *const none[] = { "", "}", "{\"event\":\"ended\",\"at_ms\":1}", "{\"event\":\"ended\",\"reason\":\"x\"" };
  for (size_t i = 0; i < COUNT (none); i++)
    assert_string_equal (ended_as (none[i]).ended, "");
  /* One that does not fit is left out rather than cut. */
  for (size_t length = LAST_ENDED_BYTES - 16; length < LAST_ENDED_BYTES + 4; length++)
    {
      char line[512], filler[LAST_ENDED_BYTES + 8] = "";
      memset (filler, 'x', length);
      snprintf (line, sizeof line, "{\"event\":\"ended\",\"reason\":\"%s\"}", filler);
      size_t members = strlen ("\"reason\":\"\"") + length;
      assert_int_equal (strlen (ended_as (line).ended), members < LAST_ENDED_BYTES ? members : 0);
    }
}

static void
checks (void **state)
{
  (void) state;
  static const struct
  {
    const char *argv[8];
    int taken;
  } table[] = {
    { { "nsexec", "run", "--pid", "1", "--grace-ms=7", "--toolbox", "--", "x" }, 1 },
    { { "nsexec", "hold", "--pid=1", "--tool", "x", "--order", "start", NULL }, 1 },
    { { "nsexec", "hold", "--pid=1", "--tool", "x", "--any-signal", NULL, NULL }, 0 },
    { { "nsexec", "hold", "--pid=1", "--tool", "x", "--termination-log=/x", NULL, NULL }, 0 },
    { { "nsexec", "inspect", "--pid=1", NULL, NULL, NULL, NULL, NULL }, 0 },
    { { "nsexec", "agent", NULL, NULL, NULL, NULL, NULL, NULL }, 0 },
    { { "nsexec", "sweep", NULL, NULL, NULL, NULL, NULL, NULL }, 0 },
    { { "nsexec", "--version", NULL, NULL, NULL, NULL, NULL, NULL }, 0 },
  };
  for (size_t i = 0; i < COUNT (table); i++)
    {
      char *argv[9] = { NULL };
      struct shim shim = SHIM_FREE;
      struct error err = { 0 };
      bool toolbox = false;
      for (size_t k = 0; k < 8; k++)
        argv[k] = (char *) table[i].argv[k];
      if ((shim_check (&shim, argv, &toolbox, &err) == 0) != table[i].taken)
        fail_msg ("%s %s: %s", argv[1], argv[2], err.text);
      if (! table[i].taken)
        assert_string_equal (err.code, "usage");
      if (i == 0)
        {
          assert_true (toolbox);
          assert_int_equal (shim.grace_ms, 7);
          assert_int_equal (shim.command, COMMAND_RUN);
        }
    }
}

int
unit_agent (void)
{
  const struct CMUnitTest tests[] = { cmocka_unit_test (lines),       cmocka_unit_test (whole),    cmocka_unit_test (too_many), cmocka_unit_test (last_words),
                                      cmocka_unit_test (cut_message), cmocka_unit_test (log_line), cmocka_unit_test (ended_words), cmocka_unit_test (checks) };
  return cmocka_run_group_tests_name ("agent", tests, NULL, NULL);
}
