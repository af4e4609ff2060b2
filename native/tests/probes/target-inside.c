/* The steps of the process that becomes the target. */
#include "target.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

void
target_enter_root (const struct target *t)
{
  char proc[4096];
  if (mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || mount (t->root, t->root, NULL, MS_BIND | MS_REC, NULL) < 0)
    target_failed ("mount root");
  snprintf (proc, sizeof proc, "%s/proc", t->root);
  if (t->proc && mount ("proc", proc, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
    target_failed ("mount proc");
  if (t->volume)
    {
      char from[4096], to[4096];
      const char *colon = strchr (t->volume, ':');
      snprintf (from, sizeof from, "%.*s", (int) (colon - t->volume), t->volume);
      snprintf (to, sizeof to, "%s/%s", t->root, colon + 1);
      if (mount (from, to, NULL, MS_BIND, NULL) < 0)
        target_failed ("mount volume");
    }
  if (t->read_only && mount (NULL, t->root, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) < 0)
    target_failed ("remount read-only");
  /* pivot_root(".", "."): the old root lies over the new one and is taken off from there, so no directory for it is needed. */
  if (chdir (t->root) < 0 || syscall (SYS_pivot_root, ".", ".") < 0 || umount2 (".", MNT_DETACH) < 0 || chdir ("/") < 0)
    target_failed ("pivot_root");
  if (t->chroot && (chroot (t->chroot) < 0 || chdir ("/") < 0))
    target_failed ("chroot");
}

static void
set_capabilities (const struct target *t)
{
  struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
  struct __user_cap_data_struct data[2];
  for (int i = 0; i < 2; i++)
    {
      data[i].inheritable = (__u32) (t->inheritable >> 32 * i);
      data[i].permitted = (__u32) (t->permitted >> 32 * i);
      data[i].effective = (__u32) (t->effective >> 32 * i);
    }
  if (syscall (SYS_capset, &header, data) < 0)
    target_failed ("capset");
  for (int cap = 0; cap < 64; cap++)
    if (t->ambient >> cap & 1 && prctl (PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
      target_failed ("ambient");
}

/* A call of this number does that; all others are allowed. */
static void
set_filter (unsigned int number, unsigned int action)
{
  struct sock_filter filter[] = { BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, nr)), BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
                                  BPF_STMT (BPF_RET | BPF_K, action), BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
  struct sock_fprog program = { sizeof filter / sizeof *filter, filter };
  if (syscall (SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
    target_failed ("seccomp");
}

static void
set_filters (const struct target *t)
{
  for (int i = 0; i < t->seccomp; i++)
    set_filter (i == 0 ? SYS_unshare : SYS_getpriority, SECCOMP_RET_ERRNO | EPERM);
  if (t->seccomp_kill)
    set_filter (SYS_write, SECCOMP_RET_KILL_PROCESS);
}

void
target_take_credentials (const struct target *t)
{
  for (int cap = 0; t->has_bounding && cap < 64; cap++)
    if (! (t->bounding >> cap & 1) && prctl (PR_CAPBSET_READ, cap, 0, 0, 0) == 1 && prctl (PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
      target_failed ("bounding set");
  if (t->has_uid)
    {
      if (setgroups ((size_t) t->group_count, t->groups) < 0 || setresgid (t->gid, t->gid, t->gid) < 0)
        target_failed ("groups");
      prctl (PR_SET_KEEPCAPS, t->has_caps, 0, 0, 0);
      if (setresuid (t->uid, t->uid, t->uid) < 0)
        target_failed ("setresuid");
    }
  if (! t->no_new_privs)
    set_filters (t);
  if (t->has_caps)
    set_capabilities (t);
  if (t->no_new_privs && prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
    target_failed ("no_new_privs");
  if (t->no_new_privs)
    set_filters (t);
  /* A process that has changed its uid is not dumpable, so its /proc files are root's; a container's process is so after its exec. */
  if (! t->program)
    prctl (PR_SET_DUMPABLE, 1, 0, 0, 0);
}
