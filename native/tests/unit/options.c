#include "unit.h"

#include "options.h"

#include <string.h>

#define ID "0123456789abcdef"
static const char *const minimal[] = { "nsexec", "run", "--container", ID, "--", "true", NULL };

static int
parse (struct options *options, const char *const *argv, struct error *err)
{
  *err = (struct error){ 0 };
  return options_parse (options, (char **) argv, err);
}

static void
defaults (void **state)
{
  (void) state;
  struct options options = { 0 };
  struct error err;
  assert_int_equal (parse (&options, minimal, &err), 0);
  assert_int_equal (options.command, COMMAND_RUN);
  assert_int_equal (options.duration_ms, 60000);
  assert_int_equal (options.lease_ms, 15000);
  assert_int_equal (options.grace_ms, 2000);
  assert_int_equal (options.sample_ms, 1000);
  assert_int_equal (options.scratch_bytes, 16 << 20);
  assert_false (options.has_oom_score_adj || options.as_root);
  assert_string_equal (options.need, "");
  assert_string_equal (options.termination_log, "/dev/termination-log");
  assert_string_equal (options.program[0], "true");
  assert_null (options.path);
  assert_null (options.directory);
  assert_int_equal (options.probe_write_bytes, 4096);
  assert_int_equal (options.probe_write_block, 4096);
  assert_int_equal (options.probe_read_bytes, 0);
  assert_int_equal (options.probe_ms, 1000);
  options_free (&options);
}

/* Each limit itself is taken; one beyond is not, and the text names the option. */
static void
limits (void **state)
{
  (void) state;
  static const struct
  {
    const char *option, *value;
    int taken;
  } table[] = {
    { "--duration-ms", "1", 1 },       { "--duration-ms", "2592000000", 1 }, { "--duration-ms", "0", 0 },          { "--duration-ms", "2592000001", 0 },
    { "--lease-ms", "0", 1 },          { "--lease-ms", "1000", 1 },          { "--lease-ms", "3600000", 1 },       { "--lease-ms", "999", 0 },
    { "--lease-ms", "3600001", 0 },    { "--grace-ms", "0", 1 },             { "--grace-ms", "600000", 1 },        { "--grace-ms", "600001", 0 },
    { "--grace-ms", "-1", 0 },         { "--sample-ms", "100", 1 },          { "--sample-ms", "60000", 1 },        { "--sample-ms", "99", 0 },
    { "--sample-ms", "60001", 0 },     { "--oom-score-adj", "-1000", 1 },    { "--oom-score-adj", "1000", 1 },     { "--oom-score-adj", "-1001", 0 },
    { "--oom-score-adj", "1001", 0 },  { "--oom-score-adj", "--5", 0 },      { "--scratch-bytes", "0", 1 },        { "--scratch-bytes", "1073741824", 1 },
    { "--scratch-bytes", "1073741825", 0 }, { "--as", "target", 1 },         { "--as", "root", 1 },                { "--as", "", 0 },
    { "--as", "Root", 0 },             { "--env", "A=", 1 },                 { "--env", "A=b=c", 1 },              { "--env", "A", 0 },
    { "--env", "=b", 0 },              { "--env", "LD_PRELOAD=x", 0 },
    { "--probe-ms", "100", 1 },        { "--probe-ms", "60000", 1 },         { "--probe-ms", "99", 0 },            { "--probe-ms", "60001", 0 },
    { "--path", "/", 1 },              { "--path", "/a b/\xff\n", 1 },       { "--path", "", 0 },                  { "--path", "a/b", 0 },
    { "--directory", ".kubectl-chaos-7", 1 }, { "--directory", ".kubectl-chaos-a.b-9", 1 }, { "--directory", ".kubectl-chaos-", 0 }, { "--directory", "", 0 },
    { "--order", "start", 1 },         { "--order", "", 0 },                 { "--order", "beat\nstart", 0 },
    { "--directory", ".kubectl-chaos-A", 0 }, { "--directory", ".kubectl-chaos-a/b", 0 },   { "--directory", "/.kubectl-chaos-a", 0 }, { "--directory", "kubectl-chaos-a", 0 },
    { "--directory", ".kubectl-chaos-23456789012345678901234567890123456789012345678901", 0 },
    { "--directory", ".kubectl-chaos-2345678901234567890123456789012345678901234567890", 1 },
  };
  for (size_t i = 0; i < COUNT (table); i++)
    {
      const char *argv[] = { "nsexec", "run", "--container", ID, "--path", "/data", table[i].option, table[i].value, "--", "true", NULL };
      struct options options = { 0 };
      struct error err;
      int taken = parse (&options, argv, &err) == 0;
      if (taken != table[i].taken)
        fail_msg ("%s %s: %s", table[i].option, table[i].value, taken ? "taken" : err.text);
      if (! taken && (strcmp (err.code, "usage") != 0 || strstr (err.text, table[i].option) == NULL))
        fail_msg ("%s %s: %s: %s", table[i].option, table[i].value, err.code, err.text);
      options_free (&options);
    }
}

static void
equals_sign (void **state)
{
  (void) state;
  static const char *const argv[] = { "nsexec", "run", "--container=" ID, "--env=A=b=c", "--env", "C=", "--duration-ms=5", "--", "a", "--pid=1", NULL };
  struct options options = { 0 };
  struct error err;
  assert_int_equal (parse (&options, argv, &err), 0);
  assert_string_equal (options.container, ID);
  assert_string_equal (options.environment[0], "A=b=c");
  assert_string_equal (options.environment[1], "C=");
  assert_null (options.environment[2]);
  assert_int_equal (options.duration_ms, 5);
  assert_string_equal (options.program[1], "--pid=1");
  options_free (&options);
}

static void
of_hold (void **state)
{
  (void) state;
  static const char *const argv[] = { "nsexec", "hold", "--tool", "tc", "--container", ID, "--tool=/sbin/ip", "--duration-ms=5", "--lease-ms", "0", "--sample-ms", "100", "--need", "cpu", NULL };
  struct options options = { 0 };
  struct error err;
  assert_int_equal (parse (&options, argv, &err), 0);
  assert_int_equal (options.command, COMMAND_HOLD);
  assert_string_equal (options.tools[0], "tc");
  assert_string_equal (options.tools[1], "/sbin/ip");
  assert_null (options.tools[2]);
  assert_null (options.program);
  assert_int_equal (options.duration_ms, 5);
  assert_int_equal (options.lease_ms, 0);
  options_free (&options);
}

/* What belongs to one command is refused by the others, by its name. */
static void
owners (void **state)
{
  (void) state;
  static const struct
  {
    const char *option, *value, *taken_by;
  } table[] = {
    { "--container", ID, "inspect run hold" }, { "--duration-ms", "5", "run hold" },   { "--lease-ms", "0", "run hold" }, { "--sample-ms", "100", "run hold" },
    { "--need", "cpu", "run hold" },           { "--termination-log", "x", "run hold" }, { "--grace-ms", "0", "run" },      { "--as", "root", "run hold" },
    { "--oom-score-adj", "1", "run" },         { "--scratch-bytes", "0", "run" },      { "--env", "A=b", "run" },         { "--tool", "tc", "hold" },        { "--match", "x", "hold" },
    { "--order", "start", "run hold" },
    { "--path", "/", "run hold" },             { "--directory", ".kubectl-chaos-a", "run" }, { "--probe", "write=0", "run hold" }, { "--probe-ms", "100", "run hold" },
  };
  static const char *const commands[] = { "inspect", "run", "hold" };
  for (size_t i = 0; i < COUNT (table); i++)
    for (size_t k = 0; k < COUNT (commands); k++)
      {
        const char *argv[14] = { "nsexec", commands[k] };
        size_t n = 2;
        argv[n++] = table[i].option;
        argv[n++] = table[i].value;
        if (strcmp (table[i].option, "--container") != 0)
          argv[n++] = "--container", argv[n++] = ID;
        if (strstr (table[i].option, "--probe") == table[i].option || strcmp (table[i].option, "--directory") == 0)
          argv[n++] = "--path", argv[n++] = "/";
        if (k == 2 && strcmp (table[i].option, "--match") == 0)
          argv[n++] = "--stop";
        else if (k == 2 && strcmp (table[i].option, "--tool") != 0)
          argv[n++] = "--tool", argv[n++] = "ip";
        if (k == 1)
          argv[n++] = "--", argv[n++] = "true";
        struct options options = { 0 };
        struct error err;
        int taken = parse (&options, argv, &err) == 0;
        if (taken != (strstr (table[i].taken_by, commands[k]) != NULL))
          fail_msg ("%s of %s: %s", table[i].option, commands[k], taken ? "taken" : err.text);
        if (! taken && (strcmp (err.code, "usage") != 0 || strstr (err.text, table[i].option) == NULL))
          fail_msg ("%s of %s: %s: %s", table[i].option, commands[k], err.code, err.text);
        options_free (&options);
      }
}

static void
of_sweep (void **state)
{
  (void) state;
  static const char *const looking[] = { "nsexec", "sweep", NULL };
  static const char *const removing[] = { "nsexec", "sweep", "--remove", "--termination-log", "x", NULL };
  struct options options = { 0 };
  struct error err;
  assert_int_equal (parse (&options, looking, &err), 0);
  assert_int_equal (options.command, COMMAND_SWEEP);
  assert_false (options.remove);
  assert_int_equal (parse (&options, removing, &err), 0);
  assert_true (options.remove);
  assert_string_equal (options.termination_log, "x");
}

static void
of_host_network (void **state)
{
  (void) state;
  static const char *const plain[] = { "nsexec", "hold", "--pid", "1", "--tool", "tc", NULL };
  static const char *const allowed[] = { "nsexec", "hold", "--pid", "1", "--allow-host-network", "--tool", "tc", NULL };
  struct options options = { 0 };
  struct error err;
  assert_int_equal (parse (&options, plain, &err), 0);
  assert_false (options.allow_host_network);
  options_free (&options);
  assert_int_equal (parse (&options, allowed, &err), 0);
  assert_true (options.allow_host_network);
  assert_false (options.remove);
  options_free (&options);
}

/* With it hold needs nothing to work with. */
static void
of_target_may_end (void **state)
{
  (void) state;
  static const char *const plain[] = { "nsexec", "hold", "--pid", "1", NULL };
  static const char *const may[] = { "nsexec", "hold", "--pid", "1", "--target-may-end", NULL };
  static const char *const run[] = { "nsexec", "run", "--pid", "1", "--target-may-end", "--", "x", NULL };
  struct options options = { 0 };
  struct error err;
  assert_int_equal (parse (&options, plain, &err), -1);
  assert_non_null (strstr (err.text, "--target-may-end"));
  options_free (&options);
  assert_int_equal (parse (&options, may, &err), 0);
  assert_true (options.target_may_end);
  options_free (&options);
  assert_int_equal (parse (&options, run, &err), -1);
  assert_string_equal (err.code, "usage");
  options_free (&options);
}

static void
of_any_signal (void **state)
{
  (void) state;
  static const char *const plain[] = { "nsexec", "hold", "--pid", "1", "--tool", "tc", NULL };
  static const char *const any[] = { "nsexec", "hold", "--pid", "1", "--any-signal", "--tool", "tc", NULL };
  struct options options = { 0 };
  struct error err;
  assert_int_equal (parse (&options, plain, &err), 0);
  assert_false (options.any_signal);
  options_free (&options);
  assert_int_equal (parse (&options, any, &err), 0);
  assert_true (options.any_signal);
  assert_false (options.allow_host_network);
  options_free (&options);
}

/* What is measured, in bytes and blocks; of wrong ones the text says what is right. */
static void
probes (void **state)
{
  (void) state;
  static const struct
  {
    const char *value;
    int taken;
    int64_t write_bytes, write_block, read_bytes, read_block;
  } table[] = {
    { "write=4096", 1, 4096, 4096, 0, 0 },
    { "write=0", 1, 0, 0, 0, 0 },
    { "read=67108864", 1, 0, 0, 64 << 20, 1 << 20 },
    { "write=1048576/4096,read=8192/4096", 1, 1 << 20, 4096, 8192, 4096 },
    { "read=0,write=12288", 1, 12288, 12288, 0, 0 },
    { "", 0, 0, 0, 0, 0 }, { "write", 0, 0, 0, 0, 0 }, { "write=", 0, 0, 0, 0, 0 }, { "write=4095", 0, 0, 0, 0, 0 }, { "write=4097", 0, 0, 0, 0, 0 },
    { "write=67112960", 0, 0, 0, 0, 0 }, { "write=4096/", 0, 0, 0, 0, 0 }, { "write=4096/512", 0, 0, 0, 0, 0 }, { "write=4096/8192", 0, 0, 0, 0, 0 },
    { "write=0/4096", 0, 0, 0, 0, 0 }, { "write=4096/0", 0, 0, 0, 0, 0 }, { "write=2097152/2097152", 0, 0, 0, 0, 0 }, { "write=1052672", 0, 0, 0, 0, 0 }, { "write=4096/4096/4096", 0, 0, 0, 0, 0 },
    { "write=4096,", 0, 0, 0, 0, 0 }, { ",write=4096", 0, 0, 0, 0, 0 }, { "write=4096,write=4096", 0, 0, 0, 0, 0 }, { "sync=4096", 0, 0, 0, 0, 0 }, { "write=-4096", 0, 0, 0, 0, 0 },
  };
  for (size_t i = 0; i < COUNT (table); i++)
    {
      const char *argv[] = { "nsexec", "hold", "--container", ID, "--path", "/", "--probe", table[i].value, "--sample-ms", "300", NULL };
      struct options options = { 0 };
      struct error err;
      int taken = parse (&options, argv, &err) == 0;
      if (taken != table[i].taken)
        fail_msg ("--probe %s: %s", table[i].value, taken ? "taken" : err.text);
      if (! taken && (strcmp (err.code, "usage") != 0 || strstr (err.text, "--probe takes") == NULL))
        fail_msg ("--probe %s: %s: %s", table[i].value, err.code, err.text);
      if (taken)
        {
          assert_int_equal (options.probe_write_bytes, table[i].write_bytes);
          assert_int_equal (options.probe_read_bytes, table[i].read_bytes);
          if (options.probe_write_bytes > 0)
            assert_int_equal (options.probe_write_block, table[i].write_block);
          if (options.probe_read_bytes > 0)
            assert_int_equal (options.probe_read_block, table[i].read_block);
          assert_int_equal (options.probe_ms, 300);
        }
      options_free (&options);
    }
}

static void
without_path (void **state)
{
  (void) state;
  static const char *const table[][2] = { { "--directory", ".kubectl-chaos-a" }, { "--probe", "write=4096" }, { "--probe-ms", "100" } };
  for (size_t i = 0; i < COUNT (table); i++)
    {
      const char *argv[] = { "nsexec", "run", "--container", ID, table[i][0], table[i][1], "--", "true", NULL };
      struct options options = { 0 };
      struct error err;
      assert_int_equal (parse (&options, argv, &err), -1);
      assert_non_null (strstr (err.text, table[i][0]));
      assert_non_null (strstr (err.text, "--path"));
      options_free (&options);
    }
}

static void
tools (void **state)
{
  (void) state;
  struct options options = { 0 };
  struct error err;
  static const char *const none[] = { "nsexec", "hold", "--container", ID, NULL };
  static const char *const empty[] = { "nsexec", "hold", "--container", ID, "--tool=", NULL };
  static const char *const program[] = { "nsexec", "hold", "--container", ID, "--tool", "ip", "--", "true", NULL };
  const char *const *const wrong[] = { none, empty, program };
  for (size_t i = 0; i < COUNT (wrong); i++)
    {
      assert_int_equal (parse (&options, wrong[i], &err), -1);
      assert_string_equal (err.code, "usage");
      options_free (&options);
    }
  for (int count = TOOLS_MAX; count <= TOOLS_MAX + 1; count++)
    {
      const char *argv[TOOLS_MAX + 8] = { "nsexec", "hold", "--container", ID };
      for (int i = 0; i < count; i++)
        argv[4 + i] = "--tool=ip";
      assert_int_equal (parse (&options, argv, &err), count <= TOOLS_MAX ? 0 : -1);
      options_free (&options);
    }
}

/* A pattern that is as long as it may be, and one that is longer, or empty. */
static void
match (void **state)
{
  (void) state;
  char longest[130] = "";
  struct options options = { 0 };
  struct error err;
  const char *const argv[] = { "nsexec", "hold", "--pid", "1", "--stop", "--match", longest, NULL };
  assert_int_equal (parse (&options, argv, &err), -1);
  assert_non_null (strstr (err.text, "--match"));
  options_free (&options);
  memset (longest, '*', 128);
  assert_int_equal (parse (&options, argv, &err), 0);
  assert_string_equal (options.match, longest);
  options_free (&options);
  longest[128] = '*';
  assert_int_equal (parse (&options, argv, &err), -1);
  assert_string_equal (err.code, "usage");
  options_free (&options);
}

/* What goes with what. */
static void
pauses (void **state)
{
  (void) state;
  static const struct
  {
    const char *words[5];
    bool taken;
  } table[] = {
    { { "--freeze" }, true },
    { { "--stop", "--match", "x" }, true },
    { { "--freeze", "--tool", "tc" }, true },
    { { "--stop" }, false },
    { { "--match", "x", "--tool", "tc" }, false },
    { { "--freeze", "--match", "x" }, false },
    { { "--freeze", "--stop", "--match", "x" }, false },
    { { "--freeze", "--path", "/" }, false },
    { { "--stop", "--match", "x", "--path=/" }, false },
    { { "--freeze=1" }, false },
  };
  for (size_t i = 0; i < COUNT (table); i++)
    {
      const char *argv[12] = { "nsexec", "hold", "--pid", "1" };
      struct options options = { 0 };
      struct error err;
      for (size_t k = 0; k < COUNT (table[i].words) && table[i].words[k] != NULL; k++)
        argv[4 + k] = table[i].words[k];
      if ((parse (&options, argv, &err) == 0) != table[i].taken)
        fail_msg ("row %zu", i);
      options_free (&options);
    }
}

int
unit_options (void)
{
  const struct CMUnitTest tests[] = { cmocka_unit_test (of_hold), cmocka_unit_test (of_sweep), cmocka_unit_test (of_host_network), cmocka_unit_test (of_target_may_end),
    cmocka_unit_test (of_any_signal), cmocka_unit_test (owners), cmocka_unit_test (tools), cmocka_unit_test (probes), cmocka_unit_test (without_path), cmocka_unit_test (defaults), cmocka_unit_test (limits), cmocka_unit_test (equals_sign), cmocka_unit_test (match), cmocka_unit_test (pauses) };
  return cmocka_run_group_tests_name ("options", tests, NULL, NULL);
}
