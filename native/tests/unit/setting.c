#include "unit.h"

#include "setting.h"

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
  struct undo setting = { .kind = UNDO_SETTING, .device = "8:16", .at = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), .directory = -1 };
  strcpy (setting.name, file);
  assert_true (setting.at >= 0);
  if (content != NULL)
    {
      int fd = openat (setting.at, file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
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
      /* What was read is what it is given back as. */
      strcpy (setting.value, value);
      assert_int_equal (setting_differs (&setting), 0);
      strcpy (setting.value, setting.name[0] == 'i' ? "rbps=7 wbps=max riops=max wiops=max" : "7");
      assert_int_equal (setting_differs (&setting), 1);
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
  assert_int_equal (setting_read (&setting, value), -ENOENT);
  assert_int_equal (setting_differs (&setting), 0);
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

int
unit_setting (void)
{
  const struct CMUnitTest tests[] = { cmocka_unit_test (reads), cmocka_unit_test (gone), cmocka_unit_test (too_long), cmocka_unit_test (holds) };
  return cmocka_run_group_tests_name ("setting", tests, NULL, NULL);
}
