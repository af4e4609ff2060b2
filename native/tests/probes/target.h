/* target: makes a container-like process out of the kernel's parts. What the options mean stands in target.c. */
#pragma once
#include <stdbool.h>
#include <sys/types.h>

#define LIST_LIMIT 32

struct target
{
  const char *unshare, *root, *chroot, *volume, *hostname, *uid_map, *gid_map, *comm;
  const char *cgroups[LIST_LIMIT];
  int cgroup_count;
  bool proc, read_only, no_new_privs, has_uid, has_caps, has_bounding;
  int seccomp;
  bool seccomp_kill;
  pid_t join_pid, wanted_pid;
  const char *join;
  uid_t uid;
  gid_t gid, groups[LIST_LIMIT];
  int group_count;
  long long time_offset_s;
  int oom_score_adj; /* outside -1000..1000: left alone */
  unsigned long long inheritable, permitted, effective, bounding, ambient;
  char **program; /* NULL: stay in this process, without exec, so that capabilities are exactly as set */
};

/* In the process that is to be the target, after the parent has placed and mapped it. Both end the process when they fail. */
void target_enter_root (const struct target *t);
void target_take_credentials (const struct target *t);

/* Prints "target: WHAT: strerror" and ends the process with status 1. */
_Noreturn void target_failed (const char *what);
