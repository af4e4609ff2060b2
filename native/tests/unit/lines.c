#include "unit.h"

#include "base/lines.h"

#include <stdio.h>
#include <string.h>

/* What the bytes say, as one letter a line: s(tart) b(eat) x (stop) ? (another) ! (too long). */
static void
says_in_pieces (size_t piece, size_t limit, const char *bytes, size_t length, const char *expected)
{
  static const char letters[] = { [WORD_START] = 's', [WORD_BEAT] = 'b', [WORD_STOP] = 'x', [WORD_OTHER] = '?', [WORD_TOO_LONG] = '!' };
  struct lines lines = { .limit = limit };
  char said[64] = "";
  size_t n = 0;
  enum word word;
  bool taken;
  for (size_t i = 0; i < length;)
    {
      size_t left = length - i;
      i += lines_take (&lines, bytes + i, left < piece ? left : piece, &taken, &word);
      if (taken && n < sizeof said - 1)
        said[n++] = letters[word];
    }
  said[n] = '\0';
  assert_string_equal (said, expected);
  lines_free (&lines);
}

/* Whatever read(2) has returned them in. */
static void
says_within (size_t limit, const char *bytes, size_t length, const char *expected)
{
  static const size_t pieces[] = { 1, 3, 4096, SIZE_MAX };
  for (size_t i = 0; i < COUNT (pieces); i++)
    says_in_pieces (pieces[i], limit, bytes, length, expected);
}
#define SAYS(bytes, expected) says_within (LINE_MAX_BYTES, bytes, sizeof (bytes) - 1, expected)

static void
words (void **state)
{
  (void) state;
  SAYS ("start\nbeat\nstop\n", "sbx");
  SAYS ("start\r\nbeat\r\n", "sb");
  SAYS ("Start\nSTOP\nbeats\nbea\n start\nstart \nstart now\n", "???????");
  SAYS ("start", "");
  SAYS ("st\0art\nstart\0\n", "??");
  SAYS ("\xff\xfe\n", "?");
}

static void
long_lines (void **state)
{
  (void) state;
  static const struct
  {
    size_t length;
    const char *expected;
  } table[] = { { 1, "?b" }, { LINE_MAX_BYTES - 1, "?b" }, { LINE_MAX_BYTES, "?b" }, { LINE_MAX_BYTES + 1, "!b" }, { LINE_MAX_BYTES + 2, "!b" }, { 100000, "!b" } };
  static char bytes[LONG_LINE_MAX_BYTES + 16];
  for (size_t i = 0; i < COUNT (table); i++)
    {
      memset (bytes, 'x', table[i].length);
      memcpy (bytes + table[i].length, "\nbeat\n", 6);
      says_within (LINE_MAX_BYTES, bytes, table[i].length + 6, table[i].expected);
      says_within (LONG_LINE_MAX_BYTES, bytes, table[i].length + 6, "?b");
    }
  /* What begins as a word and does not end is none. */
  memcpy (bytes, "stop", 4);
  says_within (LINE_MAX_BYTES, bytes, 100006, "!b");
  for (size_t beyond = 0; beyond < 2; beyond++)
    {
      memset (bytes, 'x', sizeof bytes);
      memcpy (bytes + LONG_LINE_MAX_BYTES + beyond, "\nstop\n", 6);
      says_within (LONG_LINE_MAX_BYTES, bytes, LONG_LINE_MAX_BYTES + beyond + 6, beyond == 0 ? "?x" : "!x");
    }
}

/* One that is too long is kept up to the limit, in whatever pieces it comes: its beginning says whose it is. */
static void
text_of_a_long_line (void **state)
{
  (void) state;
  static char bytes[3 * LINE_MAX_BYTES];
  static const size_t pieces[] = { 1, 100, sizeof bytes };
  memset (bytes, 'x', sizeof bytes - 1);
  bytes[sizeof bytes - 1] = '\n';
  for (size_t i = 0; i < COUNT (pieces); i++)
    {
      struct lines lines = { .limit = LINE_MAX_BYTES };
      bool taken = false;
      enum word word = WORD_OTHER;
      for (size_t at = 0; at < sizeof bytes;)
        {
          size_t left = sizeof bytes - at;
          at += lines_take (&lines, bytes + at, left < pieces[i] ? left : pieces[i], &taken, &word);
        }
      assert_true (taken);
      assert_int_equal (word, WORD_TOO_LONG);
      assert_int_equal (lines.length, LINE_MAX_BYTES);
      assert_memory_equal (lines.text, bytes, LINE_MAX_BYTES);
      lines_free (&lines);
    }
}

/* Whoever is asked for `text` gets the whole line, with what is binary in it, and its memory is used again. */
static void
text_of_a_line (void **state)
{
  (void) state;
  static const char bytes[] = "a longer line\n\0\xff\r\n\r\nlast\n";
  static const struct
  {
    const char *text;
    size_t length;
  } expected[] = { { "a longer line", 13 }, { "\0\xff", 2 }, { "last", 4 } };
  struct lines lines = { .limit = LINE_MAX_BYTES };
  size_t n = 0;
  enum word word;
  bool taken;
  for (size_t i = 0; i < sizeof bytes - 1;)
    {
      i += lines_take (&lines, bytes + i, sizeof bytes - 1 - i, &taken, &word);
      if (!taken)
        continue;
      assert_in_range (n, 0, COUNT (expected) - 1);
      assert_int_equal (word, WORD_OTHER);
      assert_int_equal (lines.length, expected[n].length);
      assert_memory_equal (lines.text, expected[n].text, expected[n].length + 1);
      n++;
    }
  assert_int_equal (n, COUNT (expected));
  lines_free (&lines);
}

int
unit_lines (void)
{
  const struct CMUnitTest tests[] = { cmocka_unit_test (words), cmocka_unit_test (long_lines), cmocka_unit_test (text_of_a_line),
    cmocka_unit_test (text_of_a_long_line) };
  return cmocka_run_group_tests_name ("lines", tests, NULL, NULL);
}
