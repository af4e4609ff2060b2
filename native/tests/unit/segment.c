#include "unit.h"

#include "hold/address.h"
#include "hold/segment.h"

#include <stdlib.h>
#include <string.h>

enum { SYN = 0x02, ACK = 0x10, PSH = 0x08 };

/* A packet in memory of its own, so that a look behind its end is seen. */
struct packet
{
  uint8_t *bytes;
  size_t length;
};

static void
append (struct packet *packet, const void *bytes, size_t length)
{
  if (length == 0)
    return;
  packet->bytes = realloc (packet->bytes, packet->length + length);
  assert_non_null (packet->bytes);
  memcpy (packet->bytes + packet->length, bytes, length);
  packet->length += length;
}

static void
append_tcp (struct packet *packet, uint8_t flags, uint8_t words, const char *data)
{
  uint8_t tcp[60] = { 0xc0, 0x01, 0x1f, 0x90, [12] = (uint8_t) (words << 4), [13] = flags };
  append (packet, tcp, words < 5 ? 20 : 4 * (size_t) words);
  append (packet, data, strlen (data));
}

static void
set_length (struct packet *packet, size_t at, size_t length)
{
  packet->bytes[at] = (uint8_t) (length >> 8);
  packet->bytes[at + 1] = (uint8_t) length;
}

static struct packet
ipv4 (uint8_t flags, uint8_t words, const char *data)
{
  struct packet packet = { NULL, 0 };
  const uint8_t ip[20] = { 0x45, [9] = 6, [12] = 169, 254, 7, 127, 10, 0, 0, 5 };
  append (&packet, ip, sizeof ip);
  append_tcp (&packet, flags, words, data);
  set_length (&packet, 2, packet.length);
  return packet;
}

static const uint8_t istio_six[16] = { 0xfd, 0x16, 0x92, 0x54, 0x71, 0x27, 0x13, 0x37, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

static struct packet
ipv6 (const uint8_t *extensions, size_t length, uint8_t next, const char *data)
{
  struct packet packet = { NULL, 0 };
  uint8_t ip[40] = { 0x60, [6] = next, [7] = 64 };
  memcpy (ip + 8, istio_six, 16);
  append (&packet, ip, sizeof ip);
  append (&packet, extensions, length);
  append_tcp (&packet, PSH | ACK, 5, data);
  set_length (&packet, 4, packet.length - sizeof ip);
  return packet;
}

static bool
parse (struct segment *segment, const struct packet *packet)
{
  return segment_parse (segment, packet->bytes, packet->length);
}

static const char request[] = "GET /healthz HTTP/1.1\r\nHost: 10.0.0.5:8080\r\nUser-Agent: kube-probe/1.36\r\nAccept: */*\r\nConnection: close\r\n\r\n";

static void
of_ipv4 (void **state)
{
  (void) state;
  char text[ADDRESS_TEXT];
  struct segment segment;
  struct packet packet = ipv4 (SYN, 10, "");
  assert_true (parse (&segment, &packet));
  assert_false (segment.six);
  assert_true (segment.opens);
  assert_int_equal (segment.port, 8080);
  assert_int_equal (segment.length, 0);
  assert_false (segment_is_kube_probe (&segment));
  address_text (segment.six, segment.source, text);
  assert_string_equal (text, "169.254.7.127");
  free (packet.bytes);

  packet = ipv4 (PSH | ACK, 8, request);
  assert_true (parse (&segment, &packet));
  assert_false (segment.opens);
  assert_int_equal (segment.length, strlen (request));
  assert_true (segment_is_kube_probe (&segment));
  free (packet.bytes);

  packet = ipv4 (SYN | ACK, 5, "");
  assert_true (parse (&segment, &packet));
  assert_false (segment.opens);
  free (packet.bytes);
}

static void
of_ipv6 (void **state)
{
  (void) state;
  char text[ADDRESS_TEXT];
  struct segment segment;
  struct packet packet = ipv6 (NULL, 0, 6, request);
  assert_true (parse (&segment, &packet));
  assert_true (segment.six);
  assert_int_equal (segment.port, 8080);
  assert_true (segment_is_kube_probe (&segment));
  address_text (segment.six, segment.source, text);
  assert_string_equal (text, "fd16:9254:7127:1337:ffff:ffff:ffff:ffff");
  free (packet.bytes);
}

/* Hop by hop, then destination options of two units, then the first fragment, then authentication. */
static void
passes_over_extensions (void **state)
{
  (void) state;
  const uint8_t all[] = { 60, [8] = 44, 1, [24] = 51, [32] = 6, 1, [43] = 0 };
  struct segment segment;
  struct packet packet = ipv6 (all, sizeof all, 0, request);
  assert_true (parse (&segment, &packet));
  assert_true (segment_is_kube_probe (&segment));
  free (packet.bytes);
  static const struct
  {
    uint8_t next, bytes[8];
  } table[] = {
    { 44, { 6, 0, 0, 8 } }, /* a later fragment */
    { 60, { 6, 255 } },     /* longer than the packet */
    { 59, { 6 } },          /* nothing follows */
    { 50, { 6 } },          /* encrypted */
    { 17, { 6 } },
  };
  for (size_t i = 0; i < COUNT (table); i++)
    {
      packet = ipv6 (table[i].bytes, 8, table[i].next, "");
      if (parse (&segment, &packet))
        fail_msg ("next header %d was taken", table[i].next);
      free (packet.bytes);
    }
  uint8_t many[9 * 8] = { 0 };
  packet = ipv6 (many, sizeof many, 0, "");
  assert_false (parse (&segment, &packet));
  free (packet.bytes);
}

/* Whatever is cut off or said wrongly, nothing behind the packet is read. */
static void
refuses_what_is_broken (void **state)
{
  (void) state;
  struct segment segment;
  for (int six = 0; six < 2; six++)
    {
      struct packet whole = six ? ipv6 (NULL, 0, 6, "") : ipv4 (SYN, 5, "");
      for (size_t length = 0; length < whole.length; length++)
        {
          uint8_t *copy = malloc (length + 1);
          assert_non_null (copy);
          memcpy (copy + 1, whole.bytes, length);
          assert_false (segment_parse (&segment, copy + 1, length));
          free (copy);
        }
      free (whole.bytes);
    }
  struct packet packet = ipv4 (SYN, 4, "");
  assert_false (parse (&segment, &packet));
  packet.bytes[32] = 0xf0;
  assert_false (parse (&segment, &packet));
  packet.bytes[32] = 0x50;
  assert_true (parse (&segment, &packet));
  packet.bytes[0] = 0x44;
  assert_false (parse (&segment, &packet));
  packet.bytes[0] = 0x4f;
  assert_false (parse (&segment, &packet));
  packet.bytes[0] = 0x75;
  assert_false (parse (&segment, &packet));
  packet.bytes[0] = 0x45;
  packet.bytes[7] = 1;
  assert_false (parse (&segment, &packet));
  packet.bytes[7] = 0;
  packet.bytes[9] = 17;
  assert_false (parse (&segment, &packet));
  free (packet.bytes);
}

/* A short frame is padded to 60 bytes, which is no data. */
static void
leaves_padding_out (void **state)
{
  (void) state;
  struct segment segment;
  struct packet packet = ipv4 (ACK, 5, "");
  append (&packet, "GET /x", 6);
  assert_true (parse (&segment, &packet));
  assert_int_equal (segment.length, 0);
  set_length (&packet, 2, 0);
  assert_true (parse (&segment, &packet));
  assert_int_equal (segment.length, 6);
  free (packet.bytes);
}

static void
knows_the_kubelet (void **state)
{
  (void) state;
  static const struct
  {
    const char *data;
    bool is;
  } table[] = {
    { "GET / HTTP/1.1\r\nUSER-AGENT:kube-probe/1.20+\r\n", true },
    { "GET / HTTP/1.1\nuser-agent:   kube-probe/", true },
    { "GET / HTTP/1.1\r\nUser-Agent: curl/8\r\nX: kube-probe/1\r\n", false },
    { "GET /kube-probe/ HTTP/1.1\r\nX-User-Agent: kube-probe/1\r\n\r\n", false },
    { "GET / HTTP/1.1\r\n\r\nUser-Agent: kube-probe/1\r\n", false },
    { "POST / HTTP/1.1\r\nUser-Agent: kube-probe/1\r\n", false },
    { "GET / HTTP/1.1\r\nUser-Agent: kube-prob", false },
    { "GET / HTTP/1.1\r\nUser-Agent:", false },
    { "GET / HTTP/1.1\r\nUser-Age", false },
    { "GET ", false },
    { "GET", false },
    { "", false },
  };
  for (size_t i = 0; i < COUNT (table); i++)
    {
      struct segment segment;
      struct packet packet = ipv4 (PSH | ACK, 5, table[i].data);
      assert_true (parse (&segment, &packet));
      if (segment_is_kube_probe (&segment) != table[i].is)
        fail_msg ("%s a kube-probe: %s", table[i].is ? "is" : "is not", table[i].data);
      free (packet.bytes);
    }
}

int
unit_segment (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (of_ipv4),
    cmocka_unit_test (of_ipv6),
    cmocka_unit_test (passes_over_extensions),
    cmocka_unit_test (refuses_what_is_broken),
    cmocka_unit_test (leaves_padding_out),
    cmocka_unit_test (knows_the_kubelet),
  };
  return cmocka_run_group_tests_name ("segment", tests, NULL, NULL);
}
