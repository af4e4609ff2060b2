#include "unit.h"

#include "lines.h"

#include <stdio.h>
#include <string.h>

/* What the bytes say, as one letter a line: s(tart) b(eat) x (stop) ? (unknown) ! (too long). */
static void
says (const char *bytes, size_t length, const char *expected)
{
  static const char letters[] = { [WORD_START] = 's', [WORD_BEAT] = 'b', [WORD_STOP] = 'x', [WORD_UNKNOWN] = '?', [WORD_TOO_LONG] = '!' };
  struct lines lines = { 0 };
  char said[64] = "";
  size_t n = 0;
  enum word word;
  for (size_t i = 0; i < length; i++)
    if (lines_take (&lines, bytes[i], &word) && n < sizeof said - 1)
      said[n++] = letters[word];
  said[n] = '\0';
  assert_string_equal (said, expected);
}
#define SAYS(bytes, expected) says (bytes, sizeof (bytes) - 1, expected)

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
  } table[] = { { LINE_MAX_BYTES - 1, "?b" }, { LINE_MAX_BYTES, "?b" }, { LINE_MAX_BYTES + 1, "!b" }, { LINE_MAX_BYTES + 2, "!b" }, { 100000, "!b" } };
  static char bytes[100000 + 8];
  for (size_t i = 0; i < COUNT (table); i++)
    {
      memset (bytes, 'x', table[i].length);
      memcpy (bytes + table[i].length, "\nbeat\n", 6);
      says (bytes, table[i].length + 6, table[i].expected);
    }
  /* What begins as a word and does not end is none. */
  memcpy (bytes, "stop", 4);
  says (bytes, sizeof bytes - 8 + 6, "!b");
}

int
unit_lines (void)
{
  const struct CMUnitTest tests[] = { cmocka_unit_test (words), cmocka_unit_test (long_lines) };
  return cmocka_run_group_tests_name ("lines", tests, NULL, NULL);
}
