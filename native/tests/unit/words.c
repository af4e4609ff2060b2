#include "unit.h"

#include "base/words.h"

#include <stdlib.h>
#include <string.h>

/* Memory that ends with the terminator, so that a look behind it is seen. */
static char *
copy_of (const char *line, size_t length)
{
  char *copy = malloc (length + 1);
  assert_non_null (copy);
  memcpy (copy, line, length);
  copy[length] = '\0';
  return copy;
}

static void
decodes (void **state)
{
  (void) state;
  static const struct
  {
    const char *line;
    const char *items[5];
    const char *input;
  } table[] = {
    { "clear", { "clear" }, NULL },
    { "undo qdisc eth0 c4a0:", { "undo", "qdisc", "eth0", "c4a0:" }, NULL },
    { "ask 1 tc a%20b%25%3C", { "ask", "1", "tc", "a b%<" }, NULL },
    { "ask %C3%A9 tc %0A", { "ask", "\xc3\xa9", "tc", "\n" }, NULL },
    { "apply nft -f - <table%20inet%0A", { "apply", "nft", "-f", "-" }, "table inet\n" },
    { "apply nft <", { "apply", "nft" }, "" },
    { "a -- --b ~!\"$&;", { "a", "--", "--b", "~!\"$&;" }, NULL },
  };
  for (size_t i = 0; i < COUNT (table); i++)
    {
      struct words words;
      char *line = copy_of (table[i].line, strlen (table[i].line));
      if (! words_parse (&words, line, strlen (table[i].line)))
        fail_msg ("not taken: %s", table[i].line);
      size_t n = 0;
      for (; table[i].items[n] != NULL; n++)
        assert_string_equal (words.item[n], table[i].items[n]);
      assert_int_equal (words.count, n);
      assert_null (words.item[n]);
      assert_int_equal (words.input != NULL, table[i].input != NULL);
      if (table[i].input != NULL)
        {
          assert_int_equal (words.input_length, strlen (table[i].input));
          assert_memory_equal (words.input, table[i].input, words.input_length);
        }
      free (line);
    }
}

static void
refuses (void **state)
{
  (void) state;
  static const char *const table[] = { "",      " ",     " a",     "a ",      "a  b",     "a %",   "a %4",  "a %4g", "a %4a",     "a %c3", "%",   "a b%2",
                                       "a\tb", "a\x7f", "a\xc3", "a<b",     "<a",       "<",     "a <b c", "a <b ", "a <b <c", "a <<b", "a %00", "a <%zz" };
  for (size_t i = 0; i < COUNT (table); i++)
    {
      struct words words;
      char *line = copy_of (table[i], strlen (table[i]));
      if (words_parse (&words, line, strlen (table[i])))
        fail_msg ("taken: `%s`", table[i]);
      free (line);
    }
}

/* A zero byte is for the input alone: in a word it would be its end. */
static void
zero_bytes (void **state)
{
  (void) state;
  struct words words;
  char *line = copy_of ("a b <%00x%00", 12);
  assert_true (words_parse (&words, line, 12));
  assert_int_equal (words.input_length, 3);
  assert_memory_equal (words.input, "\0x\0", 3);
  free (line);
  line = copy_of ("a b\0c", 5);
  assert_false (words_parse (&words, line, 5));
  free (line);
}

static void
at_most (void **state)
{
  (void) state;
  for (size_t count = WORDS_MAX - 1; count <= WORDS_MAX + 1; count++)
    {
      char text[2 * WORDS_MAX + 8];
      struct words words;
      for (size_t i = 0; i < count; i++)
        memcpy (text + 2 * i, "x ", 2);
      char *line = copy_of (text, 2 * count - 1);
      assert_int_equal (words_parse (&words, line, 2 * count - 1), count <= WORDS_MAX);
      free (line);
    }
}

static void
encodes (void **state)
{
  (void) state;
  static const char text[] = "/a b%<\x01\x7f\xc3\xbc~!";
  char out[64], small[8];
  assert_int_equal (words_encode (out, sizeof out, text), strlen ("/a%20b%25%3C%01%7F%C3%BC~!"));
  assert_string_equal (out, "/a%20b%25%3C%01%7F%C3%BC~!");
  assert_int_equal (words_encode (small, sizeof small, text), strlen (out));
  assert_string_equal (small, "/a%20b%");
  assert_int_equal (words_encode (NULL, 0, text), strlen (out));
  struct words words;
  assert_true (words_parse (&words, out, strlen (out)));
  assert_string_equal (words.item[0], text);
}

int
unit_words (void)
{
  const struct CMUnitTest tests[] = { cmocka_unit_test (decodes), cmocka_unit_test (refuses), cmocka_unit_test (zero_bytes), cmocka_unit_test (at_most), cmocka_unit_test (encodes) };
  return cmocka_run_group_tests_name ("words", tests, NULL, NULL);
}
