/* without LIST PROGRAM ARG...: runs the program, in place of this process, on a kernel that has none of these system calls: ENOSYS, by a seccomp filter. Needs root.
     LIST   comma-separated names, of those below; or 5.3: all that came after Linux 5.3 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

static const struct
{
  const char *name;
  long number;
  int newer; /* than Linux 5.3 */
} calls[] = {
  { "pidfd_open", SYS_pidfd_open, 0 },     { "clone3", SYS_clone3, 1 }, /* it came with 5.3, and CLONE_INTO_CGROUP with 5.7 */
  { "openat2", SYS_openat2, 1 },           { "pidfd_getfd", SYS_pidfd_getfd, 1 },     { "faccessat2", SYS_faccessat2, 1 },
  { "close_range", SYS_close_range, 1 },   { "epoll_pwait2", SYS_epoll_pwait2, 1 },   { "mount_setattr", SYS_mount_setattr, 1 },
};
enum { CALLS = sizeof calls / sizeof *calls };

static int
is_listed (const char *list, size_t i)
{
  size_t n = strlen (calls[i].name);
  if (strcmp (list, "5.3") == 0)
    return calls[i].newer;
  for (const char *at = strstr (list, calls[i].name); at; at = strstr (at + 1, calls[i].name))
    if ((at == list || at[-1] == ',') && (at[n] == ',' || at[n] == '\0'))
      return 1;
  return 0;
}

int
main (int argc, char **argv)
{
  struct sock_filter filter[2 * CALLS + 2] = { BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, nr)) };
  struct sock_fprog program = { 1, filter };
  if (argc < 3)
    return 2;
  for (size_t i = 0; i < CALLS; i++)
    if (is_listed (argv[1], i))
      {
        filter[program.len++] = (struct sock_filter) BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, (unsigned) calls[i].number, 0, 1);
        filter[program.len++] = (struct sock_filter) BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
      }
  filter[program.len++] = (struct sock_filter) BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  if (program.len == 2 || prctl (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
    {
      fprintf (stderr, "without: %s: %s\n", argv[1], program.len == 2 ? "none of the names is known" : strerror (errno));
      return 2;
    }
  execvp (argv[2], argv + 2);
  fprintf (stderr, "without: %s: %s\n", argv[2], strerror (errno));
  return 127;
}
