#include "unit.h"

int
main (void)
{
  return unit_proc () + unit_lines () + unit_words () + unit_undo () + unit_options () + unit_sample () + unit_netlink () == 0 ? 0 : 1;
}
