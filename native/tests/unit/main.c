#include "unit.h"

int
main (void)
{
  return unit_proc () + unit_mountinfo () + unit_lines () + unit_words () + unit_workload () + unit_undo () + unit_setting () + unit_options () + unit_sample () + unit_netlink () + unit_space () + unit_hold () + unit_seal () + unit_segment () + unit_listen () + unit_inflate () + unit_toolbox () + unit_agent () + unit_processes () == 0 ? 0 : 1;
}
