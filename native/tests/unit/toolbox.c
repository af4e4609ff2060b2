/* The toolbox: the lines it comes by, the archive in it, and where it goes. What the shim makes of it is in toolbox.sh. */
#include "unit.h"

#include "proc/mount.h"
#include "toolbox/tar.h"
#include "toolbox/toolbox.h"
#include "toolbox/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUM "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static const char *
promise (const char *line, struct toolbox_promise *to)
{
  return toolbox_read_promise (line, strlen (line), to);
}

static void
promises (void **state)
{
  (void) state;
  struct toolbox_promise said;
  assert_null (promise ("tools net 67108864 " SUM " 268435456", &said));
  assert_string_equal (said.name, "net");
  assert_int_equal (said.bytes, 67108864);
  assert_int_equal (said.unpacked, 268435456);
  assert_int_equal (said.sha256[0], 0xe3);
  assert_int_equal (said.sha256[31], 0x55);
  assert_null (promise ("tools abcdefghijklmnopqrstuvwxyz-01234 1 " SUM " 0", &said));
  static const char *const bad[] = {
    "tools", "tools net", "tools net 1 " SUM, "tools net 1 " SUM " 1 1", "tools net 1 " SUM " 1 ", "tools  net 1 " SUM " 1", "tools Net 1 " SUM " 1", "tools  1 " SUM " 1", "tools n.t 1 " SUM " 1",
    "tools abcdefghijklmnopqrstuvwxyz-012345 1 " SUM " 0", "tools net 0 " SUM " 1", "tools net -1 " SUM " 1", "tools net 1k " SUM " 1", "tools net 67108865 " SUM " 1", "tools net 1 " SUM " 268435457",
    "tools net 99999999999999999999999 " SUM " 1", "tools net 1 " SUM "0 1", "tools net 1 " SUM "\t1", "tools net 1 E3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 1",
  };
  for (size_t i = 0; i < COUNT (bad); i++)
    if (promise (bad[i], &said) == NULL)
      fail_msg ("taken: %s", bad[i]);
}

static void
lines (void **state)
{
  (void) state;
  assert_int_equal (toolbox_line_of ("tools", 5), TOOLBOX_LINE_TOOLS);
  assert_int_equal (toolbox_line_of ("tools x", 7), TOOLBOX_LINE_TOOLS);
  assert_int_equal (toolbox_line_of ("chunk 0 AAAA", 12), TOOLBOX_LINE_CHUNK);
  assert_int_equal (toolbox_line_of ("chunks", 6), TOOLBOX_LINE_NONE);
  assert_int_equal (toolbox_line_of (" tools x", 8), TOOLBOX_LINE_NONE);
  assert_int_equal (toolbox_line_of ("tools\tx", 7), TOOLBOX_LINE_NONE);
  assert_int_equal (toolbox_line_of ("", 0), TOOLBOX_LINE_NONE);
}

/* A whole line of 16 KiB fits, and no more than that is ever written. */
static void
chunks (void **state)
{
  (void) state;
  static struct toolbox_chunk chunk;
  static char line[TOOLBOX_CHUNK_MAX * 4 / 3 + 64];
  for (size_t more = 0; more < 2; more++)
    {
      size_t length = (size_t) sprintf (line, "chunk 7 ");
      memset (line + length, 'A', TOOLBOX_CHUNK_MAX * 4 / 3 + 4 * more);
      length += TOOLBOX_CHUNK_MAX * 4 / 3 + 4 * more;
      assert_int_equal (toolbox_read_chunk (line, length, &chunk) == NULL, more == 0);
    }
  assert_int_equal (chunk.offset, 7);
  static const char *const bad[] = { "chunk", "chunk 0", "chunk 0 ", "chunk  AAAA", "chunk x AAAA", "chunk 0  AAAA", "chunk 0 AAAA ", "chunk 0 AAA", "chunk 0 AAAA AAAA", "chunk -1 AAAA" };
  for (size_t i = 0; i < COUNT (bad); i++)
    if (toolbox_read_chunk (bad[i], strlen (bad[i]), &chunk) == NULL)
      fail_msg ("taken: %s", bad[i]);
}

static const char *
take (struct toolbox *toolbox, const char *line)
{
  return toolbox_take_line (toolbox, line, strlen (line), true);
}

/* "hello\n", and its sum. */
#define HELLO "tools net 6 5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03 512"

static void
received (void **state)
{
  (void) state;
  struct toolbox toolbox = TOOLBOX_NONE;
  assert_null (toolbox_missing (&toolbox));
  assert_non_null (take (&toolbox, "chunk 0 aGVs"));
  assert_null (take (&toolbox, HELLO));
  assert_true (toolbox.due);
  assert_non_null (toolbox_missing (&toolbox));
  assert_null (take (&toolbox, "chunk 0 aGVs"));
  assert_int_equal (toolbox.offset, 3);
  /* Of another place: answered, and nothing else. */
  toolbox.due = false;
  assert_null (take (&toolbox, "chunk 0 aGVs"));
  assert_null (take (&toolbox, "chunk 4 aGVs"));
  assert_int_equal (toolbox.offset, 3);
  assert_true (toolbox.due);
  /* Behind the end. */
  assert_non_null (take (&toolbox, "chunk 3 bG8KCg=="));
  /* The same once more is answered with what is there; another begins anew. */
  assert_null (take (&toolbox, HELLO));
  assert_int_equal (toolbox.offset, 3);
  assert_null (take (&toolbox, "tools net 7 " SUM " 512"));
  assert_int_equal (toolbox.offset, 0);
  assert_int_equal (toolbox.received, -1);
  /* One that cannot be taken: what it announced is not there. */
  assert_non_null (take (&toolbox, "tools net 7 x 512"));
  assert_true (toolbox.spoiled);
  assert_non_null (toolbox_missing (&toolbox));
  assert_non_null (toolbox_take_line (&toolbox, HELLO, strlen (HELLO), false));
  toolbox_free (&toolbox);
}

static void
another_sum (void **state)
{
  (void) state;
  struct toolbox toolbox = TOOLBOX_NONE;
  assert_null (take (&toolbox, HELLO));
  assert_null (take (&toolbox, "chunk 0 aGVsbG8h"));
  assert_false (toolbox_is_busy (&toolbox));
  assert_int_equal (toolbox.offset, 0);
  assert_non_null (strstr (toolbox.problem, "SHA-256"));
  assert_ptr_equal (toolbox_missing (&toolbox), toolbox.problem);
  /* What is still on its way is of no use. */
  assert_null (take (&toolbox, "chunk 0 aGVs"));
  assert_int_equal (toolbox.offset, 0);
  assert_null (take (&toolbox, HELLO));
  assert_string_equal (toolbox.problem, "");
  assert_null (take (&toolbox, "chunk 0 aGVs"));
  assert_int_equal (toolbox.offset, 3);
  toolbox_free (&toolbox);
}

static void
in_use (void **state)
{
  (void) state;
  struct toolbox toolbox = TOOLBOX_NONE;
  assert_null (take (&toolbox, HELLO));
  toolbox.ready = true;
  toolbox.in_use = true;
  assert_null (take (&toolbox, HELLO));
  assert_null (toolbox_missing (&toolbox));
  assert_non_null (take (&toolbox, "tools net 7 " SUM " 512"));
  assert_true (toolbox.ready);
  assert_non_null (toolbox_missing (&toolbox));
  toolbox_free (&toolbox);
}

/* What a tar reader was told, as text. */
static char told[8192];

static int
begin_file (void *to, const char *name, unsigned int mode, struct error *err)
{
  (void) to;
  (void) err;
  sprintf (told + strlen (told), "%s %o:", name, mode);
  return 0;
}

static int
add_to_file (void *to, const uint8_t *bytes, size_t length, struct error *err)
{
  (void) to;
  (void) err;
  sprintf (told + strlen (told), "%.*s", (int) length, (const char *) bytes);
  return 0;
}

static int
end_file (void *to, struct error *err)
{
  (void) to;
  (void) err;
  strcat (told, ";");
  return 0;
}

struct member
{
  const char *name, *mode, *size, *magic;
  char type;
  const char *prefix;
};

static size_t
write_header (uint8_t *at, const struct member *member)
{
  unsigned int sum = 0;
  memset (at, 0, 512);
  memcpy (at, member->name, strlen (member->name));
  strcpy ((char *) at + 100, member->mode);
  strcpy ((char *) at + 124, member->size);
  at[156] = (uint8_t) member->type;
  memcpy (at + 257, member->magic, 8);
  strcpy ((char *) at + 345, member->prefix == NULL ? "" : member->prefix);
  memset (at + 148, ' ', 8);
  for (size_t i = 0; i < 512; i++)
    sum += at[i];
  sprintf ((char *) at + 148, "%06o", sum);
  return 512;
}

#define USTAR "ustar\0" "00"
static const char hundred[] = "0123456789/123456789/123456789/123456789/123456789/123456789/123456789/123456789/123456789/123456789";

/* NULL when the archive is taken, else why not. */
static const char *
read_tar (const uint8_t *bytes, size_t length, size_t piece)
{
  static struct error err;
  struct tar tar = { .reader = { begin_file, add_to_file, end_file, NULL } };
  told[0] = '\0';
  for (size_t at = 0; at < length; at += piece)
    if (tar_take (&tar, bytes + at, length - at < piece ? length - at : piece, &err) < 0)
      return err.text;
  return tar_end (&tar, &err) < 0 ? err.text : NULL;
}

static void
archive (void **state)
{
  (void) state;
  static uint8_t bytes[16 * 512];
  const struct member one = { "usr/bin/tc", "0000755", "00000000005", USTAR, '0', NULL };
  const struct member two = { hundred, "0000644", "00000000000", USTAR, '0', NULL };
  const struct member three = { "a", "0000644", "00000001000", USTAR, '0', NULL };
  char expected[1024];
  size_t at = write_header (bytes, &one);
  memcpy (bytes + at, "hello", 5);
  at += 512;
  at += write_header (bytes + at, &two);
  at += write_header (bytes + at, &three);
  memset (bytes + at, 'x', 512);
  at += 512;
  sprintf (expected, "usr/bin/tc 755:hello;%s 644:;a 644:%.512s;", hundred, (const char *) bytes + at - 512);
  static const size_t pieces[] = { 1, 3, 511, 512, 513, sizeof bytes };
  for (size_t i = 0; i < COUNT (pieces); i++)
    {
      assert_null (read_tar (bytes, at + 1024, pieces[i]));
      assert_string_equal (told, expected);
      /* More zeros, as tar fills its last record up. */
      assert_null (read_tar (bytes, sizeof bytes, pieces[i]));
    }
  for (size_t length = 0; length < at + 1024; length += 64)
    if (read_tar (bytes, length, 512) == NULL)
      fail_msg ("taken: %d bytes", (int) length);
  bytes[at + 1024] = 'x';
  assert_non_null (read_tar (bytes, sizeof bytes, 512));
}

static void
members (void **state)
{
  (void) state;
  static const struct member bad[] = {
    { "", "0000644", "00000000000", USTAR, '0', NULL },
    { "/a", "0000644", "00000000000", USTAR, '0', NULL },
    { "a/", "0000644", "00000000000", USTAR, '0', NULL },
    { "a//b", "0000644", "00000000000", USTAR, '0', NULL },
    { ".", "0000644", "00000000000", USTAR, '0', NULL },
    { "..", "0000644", "00000000000", USTAR, '0', NULL },
    { "./a", "0000644", "00000000000", USTAR, '0', NULL },
    { "a/..", "0000644", "00000000000", USTAR, '0', NULL },
    { "a/../b", "0000644", "00000000000", USTAR, '0', NULL },
    { "a b", "0000644", "00000000000", USTAR, '0', NULL },
    { "a\nb", "0000644", "00000000000", USTAR, '0', NULL },
    { "a\\b", "0000644", "00000000000", USTAR, '0', NULL },
    { "caf\xc3\xa9", "0000644", "00000000000", USTAR, '0', NULL },
    { "a", "0000644", "00000000000", USTAR, '0', "usr" },
    { "a", "0000644", "00000000000", USTAR, '\0', NULL },
    { "a", "0000644", "00000000000", USTAR, '1', NULL },
    { "a", "0000644", "00000000000", USTAR, '2', NULL },
    { "a", "0000644", "00000000000", USTAR, '5', NULL },
    { "a", "0000644", "00000000000", USTAR, 'L', NULL },
    { "a", "0000644", "00000000000", USTAR, 'x', NULL },
    { "a", "0004755", "00000000000", USTAR, '0', NULL },
    { "a", "0000777", "00000000000", USTAR, '0', NULL },
    { "a", "", "00000000000", USTAR, '0', NULL },
    { "a", "00007558", "00000000000", USTAR, '0', NULL },
    { "a", "0000644", "", USTAR, '0', NULL },
    { "a", "0000644", "-1", USTAR, '0', NULL },
    { "a", "0000644", "000000000000", USTAR, '0', NULL },
    { "a", "0000644", "\x80", USTAR, '0', NULL },
    { "a", "0000644", "00000000000", "ustar  ", '0', NULL },
    { "a", "0000644", "00000000000", "\0\0\0\0\0\0\0", '0', NULL },
  };
  static uint8_t bytes[3 * 512];
  for (size_t i = 0; i < COUNT (bad); i++)
    {
      write_header (bytes, &bad[i]);
      if (read_tar (bytes, sizeof bytes, 512) == NULL || told[0] != '\0')
        fail_msg ("taken: %d, `%s`", (int) i, bad[i].name);
    }
  const struct member good = { ".a/..b/...", "0000644", "00000000000", USTAR, '0', NULL };
  write_header (bytes, &good);
  assert_null (read_tar (bytes, sizeof bytes, 512));
  for (size_t i = 0; i < 512; i++)
    {
      bytes[i]++;
      if (read_tar (bytes, sizeof bytes, 512) == NULL && i != 155)
        fail_msg ("taken with another byte %d", (int) i);
      bytes[i]--;
    }
}

static void
many_files (void **state)
{
  (void) state;
  uint8_t *bytes = calloc (TAR_FILES_MAX + 3, 512);
  for (size_t more = 0; more < 2; more++)
    {
      struct tar tar = { .reader = { begin_file, add_to_file, end_file, NULL } };
      struct error err = { 0 };
      int result = 0;
      for (size_t i = 0; i < TAR_FILES_MAX + more; i++)
        {
          const struct member member = { "a", "0000644", "00000000000", USTAR, '0', NULL };
          told[0] = '\0';
          write_header (bytes, &member);
          result = tar_take (&tar, bytes, 512, &err);
        }
      assert_int_equal (result, more == 0 ? 0 : -1);
    }
  free (bytes);
}

/* A file of 40000 bytes, as gzip has it that compresses nothing; in a memfd. */
enum { FILE_BYTES = 40000, ARCHIVE_BYTES = 512 + 40448 + 1024 };

static void
put_number (uint8_t *at, uint32_t value)
{
  for (int i = 0; i < 4; i++)
    at[i] = (uint8_t) (value >> 8 * i);
}

static int
packed (void)
{
  static uint8_t bytes[10 + 5 + ARCHIVE_BYTES + 8] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, ARCHIVE_BYTES & 255, ARCHIVE_BYTES >> 8, ~ARCHIVE_BYTES & 255, (~ARCHIVE_BYTES >> 8) & 255 };
  const struct member member = { "lib/x/a", "0000644", "00000116100", USTAR, '0', NULL };
  struct crc32 *crc = malloc (sizeof *crc);
  write_header (bytes + 15, &member);
  memset (bytes + 15 + 512, 'x', FILE_BYTES);
  crc32_begin (crc);
  crc32_add (crc, bytes + 15, ARCHIVE_BYTES);
  put_number (bytes + 15 + ARCHIVE_BYTES, crc->value);
  put_number (bytes + 19 + ARCHIVE_BYTES, ARCHIVE_BYTES);
  free (crc);
  int fd = memfd_create ("unit", MFD_CLOEXEC);
  assert_int_equal (write (fd, bytes, sizeof bytes), sizeof bytes);
  return fd;
}

/* 0, or errno of what went wrong. `room` and `inodes`: of a tmpfs that takes the place of the one that it makes itself; 0: that one. */
static int
unpack_into (uint64_t room, uint64_t inodes, int *steps)
{
  struct error err = { 0 };
  struct unpack *unpack = unpack_begin (packed (), ARCHIVE_BYTES, &err);
  if (unpack == NULL && err.number == EPERM)
    skip ();
  assert_non_null (unpack);
  if (room != 0)
    {
      close (unpack->mount_fd);
      unpack->mount_fd = mount_programs (room, inodes, &err);
      assert_true (unpack->mount_fd >= 0);
    }
  int more = 1;
  for (*steps = 0; more > 0; ++*steps)
    more = unpack_some (unpack, &err);
  struct stat st = { 0 };
  if (more == 0)
    {
      assert_int_equal (fstatat (unpack->mount_fd, "lib/x/a", &st, 0), 0);
      assert_int_equal (st.st_size, FILE_BYTES);
      assert_int_equal (st.st_mode, S_IFREG | 0644);
    }
  /* Nobody may execute the half of a file. */
  else if (fstatat (unpack->mount_fd, "lib/x/a", &st, 0) == 0)
    assert_int_equal (st.st_mode & 0111, 0);
  /* What has been read is given back, but for the page that it ends in. */
  assert_int_equal (fstat (unpack->from, &st), 0);
  assert_in_range (st.st_blocks, 0, sysconf (_SC_PAGESIZE) / 512);
  unpack_free (&unpack);
  return more == 0 ? 0 : err.number;
}

static void
full (void **state)
{
  (void) state;
  int steps = 0;
  assert_int_equal (unpack_into (0, 0, &steps), 0);
  assert_int_equal (unpack_into (1 << 20, 100, &steps), 0);
  assert_int_equal (unpack_into (8192, 100, &steps), ENOSPC);
  assert_int_equal (unpack_into (1 << 20, 2, &steps), ENOSPC);
}

int
unit_toolbox (void)
{
  const struct CMUnitTest tests[] = { cmocka_unit_test (promises), cmocka_unit_test (lines),   cmocka_unit_test (chunks),  cmocka_unit_test (received),   cmocka_unit_test (another_sum),
                                      cmocka_unit_test (in_use),   cmocka_unit_test (archive), cmocka_unit_test (members), cmocka_unit_test (many_files), cmocka_unit_test (full) };
  return cmocka_run_group_tests_name ("toolbox", tests, NULL, NULL);
}
