#include "unit.h"

#include "netlink.h"

#include <stdlib.h>
#include <string.h>

/* In memory of its own, so that a byte too far is seen. */
static struct span
bytes (const char *text, size_t length)
{
  char *copy = malloc (length == 0 ? 1 : length);
  memcpy (copy, text, length);
  return (struct span){ copy, length };
}

static void
cuts (void **state)
{
  (void) state;
  struct span whole = bytes ("\x06\0\x01\0ab\0\0\x05\0\x02\x80x", 13);
  struct span rest = whole;
  struct attribute attribute;
  assert_true (attribute_cut (&rest, &attribute));
  assert_int_equal (attribute.type, 1);
  assert_true (span_equal (attribute.value, "ab"));
  /* The flags are not part of the type, and the padding of the last may be missing. */
  assert_true (attribute_cut (&rest, &attribute));
  assert_int_equal (attribute.type, 2);
  assert_true (span_equal (attribute.value, "x"));
  assert_false (attribute_cut (&rest, &attribute));
  assert_true (attribute_find (whole, 2, &rest));
  assert_false (attribute_find (whole, 3, &rest));
  free ((void *) whole.at);
}

/* Lengths that do not fit: too short for a header, longer than what there is, none. */
static void
distrusts (void **state)
{
  (void) state;
  static const struct
  {
    const char *text;
    size_t length;
  } table[] = { { "", 0 }, { "\x04\0\x01", 3 }, { "\x03\0\x01\0", 4 }, { "\0\0\x01\0", 4 }, { "\x05\0\x01\0", 4 }, { "\xff\xff\x01\0abcd", 8 } };
  for (size_t i = 0; i < COUNT (table); i++)
    {
      struct span whole = bytes (table[i].text, table[i].length);
      struct span rest = whole;
      struct attribute attribute;
      if (attribute_cut (&rest, &attribute))
        fail_msg ("taken: %d", (int) i);
      free ((void *) whole.at);
    }
}

static void
strings (void **state)
{
  (void) state;
  assert_true (attribute_is ((struct span){ "ifb", 4 }, "ifb"));
  assert_true (attribute_is ((struct span){ "ifb", 3 }, "ifb"));
  assert_true (attribute_is ((struct span){ "ifb\0x", 5 }, "ifb"));
  assert_false (attribute_is ((struct span){ "ifb", 2 }, "ifb"));
  assert_false (attribute_is ((struct span){ "ifbx", 5 }, "ifb"));
}

static void
behind_the_fixed_part (void **state)
{
  (void) state;
  struct
  {
    struct nlmsghdr header;
    char payload[12];
  } message = { .header = { .nlmsg_len = NLMSG_HDRLEN + 12 } };
  assert_int_equal (message_attributes (&message.header, 4).length, 8);
  assert_ptr_equal (message_attributes (&message.header, 4).at, message.payload + 4);
  assert_int_equal (message_attributes (&message.header, 12).length, 0);
  message.header.nlmsg_len = NLMSG_HDRLEN + 2;
  assert_int_equal (message_attributes (&message.header, 4).length, 0);
}

int
unit_netlink (void)
{
  const struct CMUnitTest tests[] = { cmocka_unit_test (cuts), cmocka_unit_test (distrusts), cmocka_unit_test (strings), cmocka_unit_test (behind_the_fixed_part) };
  return cmocka_run_group_tests_name ("netlink", tests, NULL, NULL);
}
