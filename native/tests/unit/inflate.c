/* What a toolbox is packed in: deflate and gzip, and the sums of both. */
#include "unit.h"

#include "toolbox/base64.h"
#include "toolbox/gzip.h"
#include "toolbox/sha256.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct source
{
  const uint8_t *bytes;
  size_t length, at, most;
};

static ssize_t
give (void *from, uint8_t *bytes, size_t size)
{
  struct source *source = from;
  size_t length = source->length - source->at;
  length = length < size ? length : size;
  length = length < source->most ? length : source->most;
  memcpy (bytes, source->bytes + source->at, length);
  source->at += length;
  return (ssize_t) length;
}

/* "hello hello hello hello\n" by `gzip -9n`: a literal, a match that overlaps itself. */
static const uint8_t hello[] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x57, 0xc8, 0x40, 0x27, 0xb9, 0x00, 0x00, 0x88, 0x59, 0x0b, 0x18, 0, 0, 0 };

/* What it decodes to goes into `out`; the length, or -1 with the error's text in `text`. */
static long
unzip (const uint8_t *bytes, size_t length, size_t most, char *out, size_t size, char *text)
{
  struct source source = { bytes, length, 0, most };
  struct gzip *gzip = malloc (sizeof *gzip);
  struct error err = { 0 };
  struct inflated inflated;
  size_t done = 0;
  int more = 1;
  gzip_begin (gzip, give, &source);
  while (more > 0)
    {
      more = gzip_more (gzip, &inflated, &err);
      if (more >= 0)
        {
          assert_in_range (inflated.length, 0, size - done);
          memcpy (out + done, inflated.at, inflated.length);
          done += inflated.length;
        }
    }
  free (gzip);
  strcpy (text, err.text);
  return more < 0 ? -1 : (long) done;
}

static char out[1 << 20];
static char text[1024];

/* The same data behind another header, of `gzip`'s FLG. */
static size_t
with_header (uint8_t *bytes, uint8_t flags, const char *more, size_t more_length)
{
  memcpy (bytes, hello, 10);
  bytes[3] = flags;
  memcpy (bytes + 10, more, more_length);
  memcpy (bytes + 10 + more_length, hello + 10, sizeof hello - 10);
  return sizeof hello + more_length;
}

static void
headers (void **state)
{
  (void) state;
  static const struct
  {
    uint8_t flags;
    const char *more;
    size_t length;
  } table[] = { { 0, "", 0 }, { 1, "", 0 }, { 2, "xx", 2 }, { 4, "\3\0abc", 5 }, { 8, "name", 5 }, { 16, "what it is", 11 }, { 31, "\1\0aname\0comment\0xx", 18 } };
  for (size_t i = 0; i < COUNT (table); i++)
    for (size_t most = 1; most < 100; most += 98)
      {
        uint8_t bytes[100];
        size_t length = with_header (bytes, table[i].flags, table[i].more, table[i].length);
        assert_int_equal (unzip (bytes, length, most, out, sizeof out, text), 24);
        assert_memory_equal (out, "hello hello hello hello\n", 24);
      }
}

static void
no_gzip (void **state)
{
  (void) state;
  uint8_t bytes[100];
  for (size_t i = 0; i < 4; i++)
    {
      memcpy (bytes, hello, sizeof hello);
      bytes[i] ^= 0xe0;
      assert_int_equal (unzip (bytes, sizeof hello, 100, out, sizeof out, text), -1);
      assert_string_equal (text, "it is no gzip file");
    }
}

/* However it ends early, and with every bit of it wrong, it is not taken. */
static void
every_end (void **state)
{
  (void) state;
  for (size_t length = 0; length < sizeof hello; length++)
    for (size_t most = 1; most < 100; most += 98)
      {
        assert_int_equal (unzip (hello, length, most, out, sizeof out, text), -1);
        if (length > 3 && strstr (text, "early") == NULL)
          fail_msg ("%d bytes: %s", (int) length, text);
      }
  uint8_t bytes[sizeof hello + 1] = { 0 };
  memcpy (bytes, hello, sizeof hello);
  assert_int_equal (unzip (bytes, sizeof bytes, 100, out, sizeof out, text), -1);
  assert_string_equal (text, "there is more behind its end");
}

static void
every_bit (void **state)
{
  (void) state;
  for (size_t bit = 80; bit < 8 * sizeof hello; bit++)
    {
      uint8_t bytes[sizeof hello];
      memcpy (bytes, hello, sizeof hello);
      bytes[bit / 8] ^= (uint8_t) (1 << bit % 8);
      long length = unzip (bytes, sizeof bytes, 100, out, sizeof out, text);
      /* Bits that fill the last byte up mean nothing. */
      if (length >= 0 && (length != 24 || memcmp (out, "hello hello hello hello\n", 24) != 0))
        fail_msg ("bit %d: %d bytes", (int) bit, (int) length);
    }
}

/* raw deflate: its problem, or NULL and how many bytes it decodes to. */
static const char *
inflate (const uint8_t *bytes, size_t length, size_t *decoded)
{
  struct source source = { bytes, length, 0, SIZE_MAX };
  struct inflate *inflate = calloc (1, sizeof *inflate);
  struct inflated inflated;
  enum inflate_state state = INFLATE_GOES_ON;
  inflate->read = give;
  inflate->from = &source;
  *decoded = 0;
  while (state == INFLATE_GOES_ON)
    {
      state = inflate_more (inflate, &inflated);
      *decoded += inflated.length;
    }
  free (inflate);
  return inflated.problem;
}

static void
broken (void **state)
{
  (void) state;
  static const struct
  {
    uint8_t bytes[16];
    size_t length;
    const char *problem;
  } table[] = {
    { { 0x07 }, 1, "a block in them is of no kind that there is" },
    { { 0x01, 1, 0, 0, 0, 'x' }, 6, "the length of a block in them contradicts itself" },
    { { 0x01, 2, 0, 0xfd, 0xff, 'x' }, 6, "they end early" },
    /* Fixed codes: a match before anything has come (length 3, distance 1); length 286; distance 30. */
    { { 0x03, 0x02, 0x00 }, 3, "a match in them reaches back before the beginning" },
    { { 0x1b, 0x03 }, 2, "a code in them is none of deflate" },
    { { 0x4b, 0x04, 0x3e }, 3, "a code in them is none of deflate" },
    /* Dynamic codes: 288 literals; 31 distances; no code for the lengths at all. */
    { { 0xfd, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00 }, 8, "a code in them is none of deflate" },
    { { 0x05, 0x1e, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00 }, 8, "a code in them is none of deflate" },
    { { 0x05, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00 }, 8, "a code in them is none of deflate" },
    { { 0 }, 0, "they end early" },
  };
  for (size_t i = 0; i < COUNT (table); i++)
    {
      size_t decoded = 0;
      const char *problem = inflate (table[i].bytes, table[i].length, &decoded);
      if (problem == NULL || strcmp (problem, table[i].problem) != 0)
        fail_msg ("%d: %s", (int) i, problem == NULL ? "no problem" : problem);
    }
}

/* Blocks without anything in them: many a step, and each step ends. */
static void
empty_blocks (void **state)
{
  (void) state;
  enum { BLOCKS = 1000 };
  static uint8_t bytes[BLOCKS * 5];
  size_t decoded = 1;
  for (size_t i = 0; i < BLOCKS; i++)
    memcpy (bytes + 5 * i, i + 1 < BLOCKS ? "\0\0\0\xff\xff" : "\1\0\0\xff\xff", 5);
  assert_null (inflate (bytes, sizeof bytes, &decoded));
  assert_int_equal (decoded, 0);
  struct source source = { bytes, sizeof bytes, 0, SIZE_MAX };
  struct inflate *once = calloc (1, sizeof *once);
  struct inflated inflated;
  once->read = give;
  once->from = &source;
  assert_int_equal (inflate_more (once, &inflated), INFLATE_GOES_ON);
  assert_in_range (once->next, 5, 5 * 64);
  free (once);
}

/* Stored blocks of the greatest length, over many steps: what has been moved is moved right. */
static void
long_ones (void **state)
{
  (void) state;
  enum { BLOCKS = 8, LENGTH = 65535 };
  uint8_t *bytes = malloc (BLOCKS * (LENGTH + 5));
  size_t at = 0;
  for (size_t i = 0; i < BLOCKS; i++)
    {
      memcpy (bytes + at, i + 1 < BLOCKS ? "\0\xff\xff\0\0" : "\1\xff\xff\0\0", 5);
      for (size_t k = 0; k < LENGTH; k++)
        bytes[at + 5 + k] = (uint8_t) ((i * LENGTH + k) * 2654435761U >> 24);
      at += LENGTH + 5;
    }
  for (size_t most = 1000; most < 1000000; most *= 900)
    {
      struct source source = { bytes, at, 0, most };
      struct inflate *inflate = calloc (1, sizeof *inflate);
      struct inflated inflated;
      size_t decoded = 0;
      enum inflate_state went = INFLATE_GOES_ON;
      inflate->read = give;
      inflate->from = &source;
      while (went == INFLATE_GOES_ON)
        {
          went = inflate_more (inflate, &inflated);
          assert_int_not_equal (went, INFLATE_BROKEN);
          assert_in_range (inflated.length, 0, INFLATE_STEP + INFLATE_MATCH_MAX);
          for (size_t k = 0; k < inflated.length; k++, decoded++)
            if (inflated.at[k] != (uint8_t) (decoded * 2654435761U >> 24))
              fail_msg ("byte %d", (int) decoded);
        }
      assert_int_equal (decoded, BLOCKS * LENGTH);
      assert_int_equal (inflate_byte (inflate), -1);
      free (inflate);
    }
  free (bytes);
}

/* The examples of FIPS 180-4, and every length around a block. */
static void
sha256 (void **state)
{
  (void) state;
  static const struct
  {
    const char *text;
    size_t times;
    uint8_t begins[4];
  } table[] = {
    { "", 1, { 0xe3, 0xb0, 0xc4, 0x42 } },
    { "abc", 1, { 0xba, 0x78, 0x16, 0xbf } },
    { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1, { 0x24, 0x8d, 0x6a, 0x61 } },
    { "aaaaaaaaaa", 100000, { 0xcd, 0xc7, 0x6e, 0x5c } },
  };
  uint8_t sum[SHA256_BYTES];
  for (size_t i = 0; i < COUNT (table); i++)
    {
      struct sha256 sha;
      sha256_begin (&sha);
      for (size_t k = 0; k < table[i].times; k++)
        sha256_add (&sha, (const uint8_t *) table[i].text, strlen (table[i].text));
      sha256_end (&sha, sum);
      assert_memory_equal (sum, table[i].begins, 4);
    }
  static const uint8_t bytes[200] = { 1, 2, 3 };
  for (size_t length = 0; length < sizeof bytes; length++)
    for (size_t cut = 0; cut <= length; cut += 7)
      {
        struct sha256 sha;
        uint8_t at_once[SHA256_BYTES];
        sha256_begin (&sha);
        sha256_add (&sha, bytes, length);
        sha256_end (&sha, at_once);
        sha256_begin (&sha);
        sha256_add (&sha, bytes, cut);
        sha256_add (&sha, bytes + cut, length - cut);
        sha256_end (&sha, sum);
        assert_memory_equal (sum, at_once, sizeof sum);
      }
}

static void
crc32 (void **state)
{
  (void) state;
  struct crc32 *crc = malloc (sizeof *crc);
  for (size_t cut = 0; cut <= 9; cut++)
    {
      crc32_begin (crc);
      crc32_add (crc, (const uint8_t *) "123456789", cut);
      crc32_add (crc, (const uint8_t *) "123456789" + cut, 9 - cut);
      assert_int_equal (crc->value, 0xcbf43926);
    }
  free (crc);
}

static void
base64 (void **state)
{
  (void) state;
  static const struct
  {
    const char *text, *bytes;
  } good[] = { { "", "" }, { "Zg==", "f" }, { "Zm8=", "fo" }, { "Zm9v", "foo" }, { "Zm9vYg==", "foob" }, { "Zm9vYmE=", "fooba" }, { "Zm9vYmFy", "foobar" }, { "+/+/", "\xfb\xff\xbf" } };
  static const char *const bad[] = { "Z", "Zg", "Zg=", "Zg=a", "Z===", "====", "Zh==", "Zm9=", "Zg==Zg==", "Zm9v\n", "Zm 9", "Zm9-", "Zm9_", "Zm9v====", "=Zm9", "Z\xff""9v" };
  uint8_t bytes[16];
  for (size_t i = 0; i < COUNT (good); i++)
    {
      size_t length = strlen (good[i].bytes);
      assert_int_equal (base64_decode (SPAN (good[i].text), bytes, sizeof bytes), length);
      assert_memory_equal (bytes, good[i].bytes, length);
      /* One less than there is room for. */
      if (length > 0)
        assert_int_equal (base64_decode (SPAN (good[i].text), bytes, length - 1), -1);
    }
  for (size_t i = 0; i < COUNT (bad); i++)
    if (base64_decode (SPAN (bad[i]), bytes, sizeof bytes) != -1)
      fail_msg ("taken: %s", bad[i]);
}

int
unit_inflate (void)
{
  const struct CMUnitTest tests[] = { cmocka_unit_test (headers), cmocka_unit_test (no_gzip),      cmocka_unit_test (every_end), cmocka_unit_test (every_bit), cmocka_unit_test (broken),
                                      cmocka_unit_test (empty_blocks), cmocka_unit_test (long_ones), cmocka_unit_test (sha256),    cmocka_unit_test (crc32),     cmocka_unit_test (base64) };
  return cmocka_run_group_tests_name ("inflate", tests, NULL, NULL);
}
