#include "unit.h"

#include "proc/pattern.h"
#include "undo/stopped.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void
patterns (void **state)
{
  (void) state;
  static const struct
  {
    const char *pattern, *text;
    bool fits;
  } table[] = {
    { "", "", true }, { "", "a", false }, { "a", "", false }, { "a", "a", true }, { "a", "ab", false }, { "b", "ab", false }, { "A", "a", false },
    { "?", "a", true }, { "?", "", false }, { "?", "ab", false }, { "??", "ab", true },
    { "*", "", true }, { "*", "anything", true }, { "**", "", true }, { "*?", "", false }, { "*?", "a", true }, { "?*", "a", true },
    { "a*", "a", true }, { "a*", "abc", true }, { "a*", "ba", false }, { "*a", "ba", true }, { "*a", "ab", false }, { "*b*", "abc", true }, { "*d*", "abc", false },
    { "a*c", "abc", true }, { "a*c", "abcc", true }, { "a*c", "abcd", false }, { "*ab*ab", "abab", true }, { "*ab*ab", "aab", false }, { "*ab*ab", "ab ab ab", true },
    { "*aab", "aaaaaaaaab", true }, { "a*b*c*d", "a1b2c3d", true }, { "a*b*c*d", "a1c2b3d", false },
    { "[a]", "[a]", true }, { "[a]", "a", false }, { "\\*", "\\x", true }, { "\\*", "*", false }, { "a\xc3\xa4", "a\xc3\xa4", true }, { "a??", "a\xc3\xa4", true },
    { "worker", "worker\n", false }, { "*", "a\nb", true },
  };
  for (size_t i = 0; i < COUNT (table); i++)
    if (pattern_fits (table[i].pattern, SPAN (table[i].text)) != table[i].fits)
      fail_msg ("`%s` and `%s`", table[i].pattern, table[i].text);
  /* A text has no end but its length: zeros are bytes like others. */
  assert_true (pattern_fits ("a?b", (struct span){ "a\0b", 3 }));
  assert_false (pattern_fits ("a", (struct span){ "a\0", 2 }));
}

/* What a hostile process would call itself to be looked at for long. */
static void
patterns_that_take_long (void **state)
{
  (void) state;
  char pattern[PATTERN_MAX_BYTES + 1];
  char *text = malloc (COMMAND_MAX_BYTES);
  assert_non_null (text);
  memset (text, 'a', COMMAND_MAX_BYTES);
  for (size_t i = 0; i < PATTERN_MAX_BYTES; i++)
    pattern[i] = i % 2 == 0 ? '*' : 'a';
  pattern[PATTERN_MAX_BYTES - 1] = 'b';
  pattern[PATTERN_MAX_BYTES] = '\0';
  assert_false (pattern_fits (pattern, (struct span){ text, COMMAND_MAX_BYTES }));
  pattern[PATTERN_MAX_BYTES - 1] = '*';
  assert_true (pattern_fits (pattern, (struct span){ text, COMMAND_MAX_BYTES }));
  free (text);
}

#define COMMAND(text) (text), sizeof (text) - 1

static void
meant (void **state)
{
  (void) state;
  static const struct
  {
    const char *pattern, *comm, *command;
    size_t length;
    bool means;
  } table[] = {
    { "nginx", "nginx", COMMAND ("nginx: master process /usr/sbin/nginx\0\0\0"), true }, /* by its name */
    { "nginx: worker process", "nginx", COMMAND ("nginx: worker process\0\0\0\0"), true }, /* by its title */
    { "nginx: worker*", "nginx", COMMAND ("nginx: master process\0"), false },
    { "postgres: *", "postgres", COMMAND ("postgres: checkpointer      "), true }, /* padded with blanks */
    { "postgres: checkpointer", "postgres", COMMAND ("postgres: checkpointer      "), true },
    { "gunicorn", "python3", COMMAND ("/usr/bin/gunicorn\0app:app\0"), true }, /* by its program */
    { "python3", "MainThread", COMMAND ("/usr/bin/python3\0/app/main.py\0"), true },
    { "main.py", "python3", COMMAND ("/usr/bin/python3\0/app/main.py\0"), false },
    { "*main.py", "python3", COMMAND ("/usr/bin/python3\0/app/main.py\0"), true }, /* by an argument */
    { "* /app/main.py", "python3", COMMAND ("/usr/bin/python3\0/app/main.py\0"), true },
    { "python3 /app/main.py", "python3", COMMAND ("/usr/bin/python3\0/app/main.py\0"), false }, /* all of it, or with a star */
    { "/usr/bin/python3", "x", COMMAND ("/usr/bin/python3\0"), true },
    { "sh -c sleep 1", "sh", COMMAND ("sh\0-c\0sleep 1\0"), true },
    { "sh  x", "sh", COMMAND ("sh\0\0x\0"), true }, /* an empty argument */
    { "*", "", COMMAND (""), true },
    { "?*", "", COMMAND (""), false },
    { "", "x", COMMAND (""), false },
    { "", "x", COMMAND ("/\0"), true }, /* the last component of `/` is empty */
    { "x", "y", COMMAND ("\0x\0"), false }, /* argv[0] is empty */
    { " x", "y", COMMAND ("\0x\0"), true },
    { "kworker/0:1", "kworker/0:1", COMMAND (""), true },
    { "a)b (c", "a)b (c", COMMAND (""), true },
  };
  for (size_t i = 0; i < COUNT (table); i++)
    {
      /* In memory of its own, so that a look behind its end is seen. */
      char *command = malloc (table[i].length + 1);
      memcpy (command, table[i].command, table[i].length);
      char *fitted = realloc (command, table[i].length == 0 ? 1 : table[i].length);
      if (pattern_means (table[i].pattern, SPAN (table[i].comm), fitted, table[i].length) != table[i].means)
        fail_msg ("row %zu: `%s`", i, table[i].pattern);
      free (fitted);
    }
}

static void *
stay (void *argument)
{
  for (;;)
    pause ();
  return argument;
}

static bool
is_in_state (const char *stat, char state)
{
  char text[512] = "";
  FILE *file = fopen (stat, "re");
  if (file != NULL)
    {
      (void) !fread (text, 1, sizeof text - 1, file);
      fclose (file);
    }
  const char *end = strrchr (text, ')');
  return end != NULL && end[2] == state;
}

static void
soon_in_state (const char *stat, char state)
{
  for (int i = 0; i < 20000 && !is_in_state (stat, state); i++)
    usleep (1000);
  if (!is_in_state (stat, state))
    fail_msg ("%s is not in state %c", stat, state);
}

/* A process of which the first thread has exited, and another goes on: it has not ended, and can be stopped. */
static void
without_its_first_thread (void **state)
{
  (void) state;
  char stat[64], thread_stat[64], command[96];
  int tid = 0;
  pid_t pid = fork ();
  if (pid == 0)
    {
      pthread_t thread;
      pthread_create (&thread, NULL, stay, NULL);
      syscall (SYS_exit, 0);
    }
  snprintf (stat, sizeof stat, "/proc/%d/stat", (int) pid);
  soon_in_state (stat, 'Z');
  snprintf (command, sizeof command, "ls /proc/%d/task | grep -vx %d", (int) pid, (int) pid);
  FILE *threads = popen (command, "re");
  assert_int_equal (fscanf (threads, "%d", &tid), 1);
  pclose (threads);
  snprintf (thread_stat, sizeof thread_stat, "/proc/%d/task/%d/stat", (int) pid, tid);
  struct process process = { .pid = pid };
  assert_int_equal (process_look (&process), -ESRCH); /* With another start it is another process. */
  FILE *file = fopen (stat, "re");
  unsigned long long start = 0;
  assert_int_equal (fscanf (file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %llu", &start), 1);
  fclose (file);
  process.start_ticks = start;
  assert_int_equal (process_look (&process), 0);
  assert_int_equal (process.state, PROCESS_HEADLESS);

  kill (pid, SIGSTOP);
  soon_in_state (thread_stat, 'T');
  const struct undo undo = { .kind = UNDO_STOPPED, .pid = pid, .start_ticks = start };
  assert_int_equal (stopped_continue (&undo), 0);
  soon_in_state (thread_stat, 'S');

  kill (pid, SIGKILL);
  waitpid (pid, NULL, 0);
  assert_int_equal (process_look (&process), -ESRCH);
  assert_int_equal (stopped_continue (&undo), 0);
}

int
unit_processes (void)
{
  const struct CMUnitTest tests[] = { cmocka_unit_test (patterns), cmocka_unit_test (patterns_that_take_long), cmocka_unit_test (meant), cmocka_unit_test (without_its_first_thread) };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
