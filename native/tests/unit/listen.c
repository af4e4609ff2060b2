/* Who is remembered of those that connect. What is tested is no function of hold/listen.h, so that the file is part of this one. */
#define listen_work listen_work_of_unit
#include "hold/listen.c"

#include "unit.h"

/* A SYN from 10.0.0.LAST to port 8080, or a request to it. */
static void
take (struct listener *listener, uint8_t last, const char *data)
{
  uint8_t packet[200] = { 0x45, [9] = 6, [12] = 10, 0, 0, last, 10, 9, 9, 9, [22] = 0x1f, 0x90, [32] = 0x50, [33] = *data == '\0' ? 0x02 : 0x18 };
  size_t length = strlen (data);
  memcpy (packet + 40, data, length);
  packet[3] = (uint8_t) (40 + length);
  take_packet (listener, packet, 40 + length);
}

static bool
has_source (const struct listener *listener, uint8_t last, bool kube_probe)
{
  for (size_t i = 0; i < listener->sources; i++)
    {
      if (listener->source[i].address[3] == last)
        return listener->source[i].kube_probe == kube_probe;
    }
  return false;
}

/* As many others as there is room for, and more. */
static struct listener
crowd (char *const *words)
{
  struct listener listener = { .ports = 0 };
  assert_true (read_words (&listener, words));
  for (uint8_t last = 1; last <= SOURCES_MAX + 6; last++)
    take (&listener, last, "");
  assert_int_equal (listener.sources, SOURCES_MAX);
  assert_false (has_heard_enough (&listener));
  return listener;
}

static void
test_kubelet_in_a_crowd (void **state)
{
  (void) state;
  char *words[] = { "8080", NULL };
  struct listener listener = crowd (words);
  take (&listener, 200, "GET / HTTP/1.1\r\nUser-Agent: kube-probe/1.36\r\n\r\n");
  assert_true (has_heard_enough (&listener));
  assert_true (has_source (&listener, 200, true));
}

static void
test_known_in_a_crowd (void **state)
{
  (void) state;
  char *words[] = { "8080", "10.0.0.200", NULL };
  struct listener listener = crowd (words);
  take (&listener, 200, "");
  assert_true (has_heard_enough (&listener));
  assert_true (has_source (&listener, 200, false));
  for (uint8_t last = 100; last < 199; last++)
    take (&listener, last, "GET / HTTP/1.1\r\nUser-Agent: kube-probe/1.36\r\n\r\n");
  assert_true (has_source (&listener, 200, false));
  assert_int_equal (listener.sources, SOURCES_MAX);
}

int
unit_listen (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_kubelet_in_a_crowd),
    cmocka_unit_test (test_known_in_a_crowd),
  };
  return cmocka_run_group_tests_name ("listen", tests, NULL, NULL);
}
