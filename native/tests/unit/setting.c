#include "unit.h"

#include "undo/setting.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder with a file that reads as the kernel's, and what is set in it of 8:16. */
static struct undo
made (const char *file, const char *content)
{
  char path[] = "/tmp/nsexec-unit-XXXXXX";
  assert_non_null (mkdtemp (path));
  struct undo setting = { .kind = UNDO_SETTING, .device = "8:16", .cgroup = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
  strcpy (setting.name, file);
  assert_true (setting.cgroup >= 0);
  if (content != NULL)
    {
      int fd = openat (setting.cgroup, file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
      assert_int_equal (write (fd, content, strlen (content)), strlen (content));
      close (fd);
    }
  return setting;
}

static void
unmake (const struct undo *setting)
{
  char path[64], link[32];
  snprintf (link, sizeof link, "/proc/self/fd/%d", setting->at);
  ssize_t length = readlink (link, path, sizeof path - 1);
  assert_true (length > 0);
  path[length] = '\0';
  unlinkat (setting->at, setting->name, 0);
  rmdir (path);
  close (setting->at);
}

static void
reads (void **state)
{
  (void) state;
  static const struct
  {
    const char *file, *content, *value;
  } table[] = {
    { "io.max", "", "rbps=max wbps=max riops=max wiops=max" },
    { "io.max", "8:0 rbps=1 wbps=2 riops=3 wiops=4\n", "rbps=max wbps=max riops=max wiops=max" },
    { "io.max", "8:160 rbps=1 wbps=2 riops=3 wiops=4\n8:16 rbps=max wbps=1048576 riops=max wiops=50\n", "rbps=max wbps=1048576 riops=max wiops=50" },
    { "io.max", "8:16 rbps=max wbps=5 riops=max wiops=max", "rbps=max wbps=5 riops=max wiops=max" },
    { "blkio.throttle.read_bps_device", "", "0" },
    { "blkio.throttle.read_bps_device", "8:1 5\n8:16 1048576\n", "1048576" },
    { "blkio.throttle.read_bps_device", "18:16 5\n", "0" },
  };
  for (size_t i = 0; i < COUNT (table); i++)
    {
      char value[UNDO_VALUE_BYTES];
      struct undo setting = made (table[i].file, table[i].content);
      assert_int_equal (setting_read (&setting, value), 0);
      assert_string_equal (value, table[i].value);
      unmake (&setting);
    }
}

static void
gone (void **state)
{
  (void) state;
  char value[UNDO_VALUE_BYTES];
  struct undo setting = made ("io.max", NULL);
  strcpy (setting.value, "wbps=1");
  strcpy (setting.wanted, "wbps=2");
  assert_int_equal (setting_read (&setting, value), -ENOENT);
  assert_int_equal (setting_present (&setting), 0);
  assert_false (setting_overwritten (&setting, value));
  assert_int_equal (setting_restore (&setting), 0);
  unmake (&setting);
}

static void
too_long (void **state)
{
  (void) state;
  char content[UNDO_VALUE_BYTES + 16] = "8:16 ", value[UNDO_VALUE_BYTES];
  memset (content + 5, 'x', sizeof content - 6);
  struct undo setting = made ("io.max", content);
  assert_int_equal (setting_read (&setting, value), -EFBIG);
  unmake (&setting);
}

static void
holds (void **state)
{
  (void) state;
  static const char all[] = "rbps=max wbps=1048576 riops=max wiops=50";
  assert_true (setting_holds (all, "wbps=1048576"));
  assert_true (setting_holds (all, "wiops=50 rbps=max"));
  assert_true (setting_holds (all, all));
  assert_true (setting_holds ("50", "50"));
  assert_false (setting_holds (all, "wbps=104857"));
  assert_false (setting_holds (all, "bps=1048576"));
  assert_false (setting_holds (all, "wiops=500"));
  assert_false (setting_holds (all, "wbps=1048576 wiops=51"));
  assert_false (setting_holds ("0", "50"));
}

/* What the last write to the file was. */
static void
written (const struct undo *setting, char *text, size_t size)
{
  int fd = openat (setting->at, setting->name, O_RDONLY | O_CLOEXEC);
  ssize_t got = read (fd, text, size - 1);
  assert_true (got >= 0);
  text[got] = '\0';
  close (fd);
}

static void
restores (void **state)
{
  (void) state;
  static const struct
  {
    const char *file, *now, *former, *wanted, *restored;
    bool overwritten;
  } table[] = {
    /* All of it stands. */
    { "io.max", "8:16 rbps=max wbps=5 riops=50 wiops=max", "rbps=9 wbps=max riops=max wiops=max", "wbps=5 riops=50", "8:16 wbps=max riops=max", false },
    { "blkio.throttle.read_bps_device", "8:16 5", "0", "5", "8:16 0", false },
    { "blkio.throttle.read_bps_device", "8:16 5", "7", "5", "8:16 7", false },
    /* Somebody has written the former value back, or another, or has taken the line away. */
    { "io.max", "8:16 rbps=9 wbps=max riops=max wiops=max", "rbps=9 wbps=max riops=max wiops=max", "wbps=5 riops=50", NULL, true },
    { "io.max", "8:16 rbps=9 wbps=6 riops=51 wiops=7", "rbps=9 wbps=max riops=max wiops=max", "wbps=5 riops=50", NULL, true },
    { "io.max", "", "rbps=9 wbps=3 riops=max wiops=max", "wbps=5", NULL, true },
    { "blkio.throttle.read_bps_device", "8:16 6", "7", "5", NULL, true },
    { "blkio.throttle.read_bps_device", "", "7", "5", NULL, true },
    /* One of two: the other goes. */
    { "io.max", "8:16 rbps=max wbps=6 riops=50 wiops=max", "rbps=9 wbps=max riops=8 wiops=max", "wbps=5 riops=50", "8:16 riops=8", true },
    /* A longer number is another; what is said beside it is nothing of the fault's. */
    { "io.max", "8:16 rbps=max wbps=55 riops=max wiops=5", "rbps=max wbps=max riops=max wiops=max", "wbps=5", NULL, true },
    { "io.max", "8:16 rbps=1 wbps=5 riops=2 wiops=3", "rbps=max wbps=max riops=max wiops=max", "wbps=5", "8:16 wbps=max", false },
    /* What was so before. */
    { "io.max", "8:16 rbps=max wbps=5 riops=max wiops=max", "rbps=max wbps=5 riops=max wiops=max", "wbps=5", NULL, false },
    { "blkio.throttle.read_bps_device", "8:16 5", "5", "5", NULL, false },
  };
  for (size_t i = 0; i < COUNT (table); i++)
    {
      char value[UNDO_VALUE_BYTES], text[256];
      struct undo setting = made (table[i].file, table[i].now);
      strcpy (setting.value, table[i].former);
      strcpy (setting.wanted, table[i].wanted);
      if (setting_overwritten (&setting, value) != table[i].overwritten)
        fail_msg ("overwritten or not: row %zu", i);
      assert_int_equal (setting_present (&setting), table[i].restored != NULL);
      assert_int_equal (setting_restore (&setting), 0);
      written (&setting, text, sizeof text);
      size_t length = table[i].restored == NULL ? 0 : strlen (table[i].restored);
      /* The file keeps the end of what was longer. */
      if (table[i].restored == NULL ? strcmp (text, table[i].now) != 0 : strncmp (text, table[i].restored, length) != 0 || strcmp (text + length, table[i].now + length) != 0)
        fail_msg ("row %zu: `%s`", i, text);
      unmake (&setting);
    }
}

int
unit_setting (void)
{
  const struct CMUnitTest tests[] = { cmocka_unit_test (reads), cmocka_unit_test (gone), cmocka_unit_test (too_long), cmocka_unit_test (holds), cmocka_unit_test (restores) };
  return cmocka_run_group_tests_name ("setting", tests, NULL, NULL);
}
