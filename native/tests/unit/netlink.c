#include "unit.h"

#include "undo/netlink.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

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

/* What the kernel would answer lies in one end of a pair already. */
static void
put (int fd, uint16_t type, uint16_t flags, int32_t payload)
{
  struct
  {
    struct nlmsghdr header;
    int32_t payload;
  } message = { { .nlmsg_len = NLMSG_LENGTH (sizeof payload), .nlmsg_type = type, .nlmsg_flags = flags }, payload };
  assert_int_equal (send (fd, &message, sizeof message, 0), sizeof message);
}

/* Sums what it is shown, as visitors that add to a list do. */
static void
sum (const struct nlmsghdr *message, void *context)
{
  int32_t *total = context;
  int32_t payload = 0;
  if (message == NULL)
    {
      *total = 0;
      return;
    }
  memcpy (&payload, NLMSG_DATA (message), sizeof payload);
  *total += payload;
}

static int
ask (int fd, int32_t *total)
{
  struct request request = { 0 };
  request_begin (&request, RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 4);
  return netlink_ask (fd, &request, sum, total);
}

static void
interrupted_dump (void **state)
{
  (void) state;
  static const struct
  {
    uint16_t first, last, end; /* flags of two messages and of the end */
  } table[] = { { NLM_F_DUMP_INTR, 0, 0 }, { 0, NLM_F_DUMP_INTR, 0 }, { 0, 0, NLM_F_DUMP_INTR } };
  for (size_t i = 0; i < COUNT (table); i++)
    {
      int ends[2];
      int32_t total = 1000;
      assert_int_equal (socketpair (AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
      put (ends[1], RTM_NEWLINK, NLM_F_MULTI | table[i].first, 1);
      put (ends[1], RTM_NEWLINK, NLM_F_MULTI | table[i].last, 2);
      put (ends[1], NLMSG_DONE, NLM_F_MULTI | table[i].end, 0);
      put (ends[1], RTM_NEWLINK, NLM_F_MULTI, 4);
      put (ends[1], NLMSG_DONE, NLM_F_MULTI, 0);
      assert_int_equal (ask (ends[0], &total), 0);
      /* Of the second answer alone. */
      assert_int_equal (total, 4);
      close (ends[0]);
      close (ends[1]);
    }
}

static void
always_interrupted (void **state)
{
  (void) state;
  int ends[2];
  int32_t total = 0;
  assert_int_equal (socketpair (AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
  for (int i = 0; i < 20; i++)
    put (ends[1], NLMSG_DONE, NLM_F_MULTI | NLM_F_DUMP_INTR, 0);
  assert_int_equal (ask (ends[0], &total), -EAGAIN);
  close (ends[0]);
  close (ends[1]);
  /* A dump that broke off is an error at once. */
  assert_int_equal (socketpair (AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
  put (ends[1], RTM_NEWLINK, NLM_F_MULTI | NLM_F_DUMP_INTR, 1);
  put (ends[1], NLMSG_DONE, NLM_F_MULTI | NLM_F_DUMP_INTR, -ENOMEM);
  assert_int_equal (ask (ends[0], &total), -ENOMEM);
  close (ends[0]);
  close (ends[1]);
}

static void
hears (void **state)
{
  (void) state;
  int ends[2];
  int32_t total = 0;
  assert_int_equal (socketpair (AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
  assert_false (netlink_hear (ends[0], sum, &total));
  put (ends[1], RTM_NEWLINK, 0, 3);
  put (ends[1], RTM_NEWLINK, 0, 4);
  assert_true (netlink_hear (ends[0], sum, &total));
  assert_true (netlink_hear (ends[0], sum, &total));
  assert_false (netlink_hear (ends[0], sum, &total));
  assert_int_equal (total, 7);
  close (ends[0]);
  close (ends[1]);
}

static struct sockaddr_nl
address_of (int fd)
{
  struct sockaddr_nl address = { 0 };
  socklen_t size = sizeof address;
  assert_int_equal (getsockname (fd, (struct sockaddr *) (void *) &address, &size), 0);
  return address;
}

/* Another process may not write to ours. */
static void
of_the_kernel_alone (void **state)
{
  (void) state;
  int fd = netlink_open (NETLINK_ROUTE);
  int other = socket (AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  const struct nlmsghdr message = { .nlmsg_len = sizeof message, .nlmsg_type = NLMSG_DONE };
  assert_true (fd >= 0 && other >= 0);
  struct sockaddr_nl address = address_of (fd);
  assert_true (address.nl_pid != 0);
  assert_int_equal (sendto (other, &message, sizeof message, 0, (struct sockaddr *) (void *) &address, sizeof address), -1);
  if (errno == EPERM)
    skip ();
  assert_int_equal (errno, ECONNREFUSED);
  close (fd);
  close (other);
}

/* A socket that takes messages of everybody, a flood of them, and no answer. */
static void
strays (void **state)
{
  (void) state;
  int fd = socket (AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  const struct sockaddr_nl any = { .nl_family = AF_NETLINK };
  assert_true (fd >= 0);
  assert_int_equal (bind (fd, (const struct sockaddr *) (const void *) &any, sizeof any), 0);
  struct sockaddr_nl address = address_of (fd);
  pid_t child = fork ();
  if (child == 0)
    {
      int other = socket (AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
      const struct nlmsghdr message = { .nlmsg_len = sizeof message, .nlmsg_type = NLMSG_NOOP };
      alarm (20);
      for (ssize_t sent = 0; sent >= 0 || errno != EPERM;)
        sent = sendto (other, &message, sizeof message, 0, (struct sockaddr *) (void *) &address, sizeof address);
      _exit (77);
    }
  assert_true (child > 0);
  struct timeval limit = { .tv_sec = 5 };
  setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  struct request request = { 0 };
  request_begin (&request, NLMSG_NOOP, NLM_F_REQUEST, 0);
  int result = netlink_ask (fd, &request, NULL, NULL);
  kill (child, SIGKILL);
  int status = 0;
  waitpid (child, &status, 0);
  close (fd);
  if (WIFEXITED (status) && WEXITSTATUS (status) == 77)
    skip ();
  assert_int_equal (result, -EBUSY);
}

int
unit_netlink (void)
{
  const struct CMUnitTest tests[] = { cmocka_unit_test (cuts),
                                      cmocka_unit_test (distrusts),
                                      cmocka_unit_test (strings),
                                      cmocka_unit_test (behind_the_fixed_part),
                                      cmocka_unit_test (interrupted_dump),
                                      cmocka_unit_test (always_interrupted),
                                      cmocka_unit_test (hears),
                                      cmocka_unit_test (of_the_kernel_alone),
                                      cmocka_unit_test (strays) };
  return cmocka_run_group_tests_name ("netlink", tests, NULL, NULL);
}
