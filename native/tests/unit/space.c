#include "unit.h"

#include "proc/space.h"

#include <string.h>

/* Each as the plugin writes it. */
static void
texts (void **state)
{
  (void) state;
  static const struct
  {
    int64_t bytes;
    const char *text;
  } table[] = {
    { INT64_C (0), "0 B" },
    { INT64_C (1), "1 B" },
    { INT64_C (999), "999 B" },
    { INT64_C (1000), "1 KiB" },
    { INT64_C (1023), "1 KiB" },
    { INT64_C (1024), "1 KiB" },
    { INT64_C (10239), "10 KiB" },
    { INT64_C (10240), "10 KiB" },
    { INT64_C (1022975), "999 KiB" },
    { INT64_C (1022976), "999 KiB" },
    { INT64_C (1572864), "1.5 MiB" },
    { INT64_C (10432307), "9.9 MiB" },
    { INT64_C (10433332), "10 MiB" },
    { INT64_C (1073741823), "1 GiB" },
    { INT64_C (2684354560), "2.5 GiB" },
    { INT64_C (1099511627776), "1 TiB" },
    { INT64_C (1151795604700004400), "1023 PiB" },
    { INT64_MAX, "8192 PiB" },
    { -1, "0 B" },
  };
  for (size_t i = 0; i < COUNT (table); i++)
    {
      char text[SPACE_TEXT];
      assert_string_equal (space_text (table[i].bytes, text), table[i].text);
    }
}

int
unit_space (void)
{
  const struct CMUnitTest tests[] = { cmocka_unit_test (texts) };
  return cmocka_run_group_tests_name ("space", tests, NULL, NULL);
}
