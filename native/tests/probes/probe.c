#include "probe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct
{
  const char *name;
  int (*run) (int argc, char **argv);
} parts[] = {
  { "report", probe_report }, { "hold", probe_hold },     { "exit", probe_exit },          { "die", probe_die },       { "signals", probe_signals },
  { "ignore-term", probe_ignore }, { "family", probe_family }, { "write", probe_write },   { "fill", probe_fill },     { "spin", probe_spin },
  { "eat", probe_eat },       { "disk", probe_disk },     { "climb", probe_climb },        { "scan", probe_scan },     { "attack", probe_attack },
  { "litter", probe_litter }, { "record", probe_record }, { "ipc", probe_ipc },
  { "parent", probe_parent }, { "deaf", probe_deaf }, { "unshare", probe_unshare }, { "lay-down", probe_lay_down },     { "listen", probe_listen },
};

int
probe_failed (const char *what)
{
  fprintf (stderr, "probe: %s: %s\n", what, strerror (errno));
  return 1;
}

long long
probe_number (const char *text)
{
  char *end = NULL;
  errno = 0;
  long long value = text ? strtoll (text, &end, 0) : 0;
  if (! text || *text == '\0' || *end != '\0' || errno != 0)
    {
      fprintf (stderr, "probe: not a number: %s\n", text ? text : "(nothing)");
      exit (2);
    }
  return value;
}

void
probe_wait (void)
{
  for (;;)
    pause ();
}

int
main (int argc, char **argv)
{
  for (size_t i = 0; argc > 1 && i < sizeof parts / sizeof *parts; i++)
    if (strcmp (argv[1], parts[i].name) == 0)
      return parts[i].run (argc - 1, argv + 1);
  fprintf (stderr, "usage: probe PART [ARGUMENT...]; the parts are in probe.h\n");
  return 2;
}
