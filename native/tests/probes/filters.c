/* filters: the shim's seccomp filters, by what the kernel makes of them, each in a child of its own. A line for each, "ok" or where it does not hold; as root. Without a
   sanitizer, which makes system calls that nobody sees. */
#include "../../enter/exec-filter.h"
#include "../../enter/harmless.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof (array) / sizeof *(array))

enum { CALLS = 470 };

/* Whether every call but these is refused. */
static int
all_others_refused (const long *allowed, size_t count)
{
  for (long number = 0; number < CALLS; number++)
    {
      int is_allowed = 0;
      for (size_t i = 0; i < count; i++)
        is_allowed |= number == allowed[i];
#if defined(__x86_64__)
      /* uretprobe and uprobe: of no use but in a trampoline that the kernel has put there, and never filtered. */
      is_allowed |= number == 335 || number == 336;
#endif
      if (! is_allowed && ! (syscall (number, -1L, -1L, -1L, -1L, -1L, -1L) == -1 && errno == EPERM))
        return 0;
    }
  return 1;
}

static int
options_refused (const int *allowed, size_t count)
{
  for (int option = 0; option < 80; option++)
    {
      int is_allowed = 0;
      for (size_t i = 0; i < count; i++)
        is_allowed |= option == allowed[i];
      if (! is_allowed && ! (prctl (option, -1L, -1L, -1L, -1L) == -1 && errno == EPERM))
        return 0;
    }
  return 1;
}

static int
clones_refused (void)
{
  static const unsigned long flags[] = { SIGCHLD, CLONE_NEWUSER | CLONE_PARENT | SIGCHLD, CLONE_NEWNS | CLONE_NEWPID | CLONE_PARENT | SIGCHLD, CLONE_VM | CLONE_PARENT | SIGCHLD };
  for (size_t i = 0; i < COUNT (flags); i++)
    if (! (syscall (SYS_clone, flags[i], 0, 0, 0, 0) == -1 && errno == EPERM))
      return 0;
  return 1;
}

/* What nest and init do, and nothing else. */
static int
check_harmless (void)
{
  static const long calls[] = { SYS_sendto, SYS_ppoll, SYS_capset, SYS_exit_group, SYS_clone, SYS_prctl };
  static const int options[] = { PR_SET_NAME, PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS };
  if (become_harmless () < 0)
    return 1;
  return ! all_others_refused (calls, COUNT (calls)) ? 2 : ! options_refused (options, COUNT (options)) ? 3 : ! clones_refused () ? 4 : 0;
}

static int
check_opener (void)
{
  static const long calls[] = { SYS_openat, SYS_sendmsg, SYS_ppoll, SYS_pidfd_send_signal, SYS_exit_group, SYS_clone, SYS_prctl };
  static const int options[] = { PR_SET_NAME, PR_SET_PDEATHSIG };
  if (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || become_harmless_opener () < 0)
    return 1;
  return ! all_others_refused (calls, COUNT (calls)) ? 2 : ! options_refused (options, COUNT (options)) ? 3 : ! clones_refused () ? 4 : 0;
}

static const uint64_t key = UINT64_C (0x123456789abcdef0);

static int
refused (long result)
{
  return result == -1 && errno == EACCES;
}

/* A file that can be mapped, and a program: this one. */
static int self;

static int
check_exec_filter (void)
{
  char *const arguments[] = { "true", NULL };
  int file = (int) syscall (SYS_memfd_create, "file", MFD_CLOEXEC);
  void *plain = mmap (NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int shared = shmget (IPC_PRIVATE, 4096, 0700);
  if (file < 0 || ftruncate (file, 4096) < 0 || shared < 0 || exec_filter_install (key) < 0)
    return 1;
  /* Whatever way a file becomes executable. */
  if (! refused ((long) mmap (NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, self, 0)) || ! refused ((long) mmap (NULL, 4096, PROT_EXEC, MAP_SHARED, file, 0)))
    return 2;
  if (mmap (NULL, 4096, PROT_READ, MAP_PRIVATE, self, 0) == MAP_FAILED)
    return 3;
  if (! refused (mprotect (plain, 4096, PROT_READ | PROT_EXEC)) || ! refused (syscall (SYS_pkey_mprotect, plain, 4096, PROT_EXEC, -1)))
    return 4;
  if (mprotect (plain, 4096, PROT_READ) != 0)
    return 5;
  if (! refused ((long) shmat (shared, NULL, SHM_EXEC)))
    return 6;
  if (shmat (shared, NULL, 0) == (void *) -1)
    return 7;
  shmctl (shared, IPC_RMID, NULL);
  if (! refused (personality (READ_IMPLIES_EXEC)) || ! refused (personality (PER_LINUX32 | READ_IMPLIES_EXEC)) || personality (0xffffffff) == -1)
    return 8;
  if (! refused (execv ("/proc/self/exe", arguments)) || ! refused (syscall (SYS_execveat, self, "", arguments, environ, AT_EMPTY_PATH, 0)))
    return 9;
  if (! refused (syscall (SYS_execveat, self, "", arguments, environ, AT_EMPTY_PATH, key + 1)) || ! refused (syscall (SYS_execveat, self, "", arguments, environ, AT_EMPTY_PATH, key ^ 1UL << 40)))
    return 10;
#ifdef SYS_uselib
  if (! refused (syscall (SYS_uselib, "/proc/self/exe")))
    return 11;
#endif
  /* Memory without a file is what the program itself has written. */
  if (mmap (NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
    return 12;
#if defined(__x86_64__)
  /* x32's getpid. */
  if (! (syscall (0x40000000L | SYS_getpid) == -1 && errno == ENOSYS))
    return 13;
#endif
  /* With the key it passes the filter, and the kernel looks at the rest. */
  if (! (syscall (SYS_execveat, -1, "", arguments, environ, AT_EMPTY_PATH, key) == -1 && errno == EBADF))
    return 15;
  return 0;
}

#if defined(__x86_64__)
/* getpid by the gate of 32 bits. */
static int
call_of_32_bits (void)
{
  long result = 20;
  __asm__ volatile ("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
  return result == -ENOSYS ? 0 : 1;
}

static int
check_32_bits (void)
{
  return exec_filter_install (key) < 0 ? 2 : call_of_32_bits ();
}

/* Whether the machine takes such a call at all: else it is a fault. */
static int
takes_32_bits (void)
{
  int status = 0;
  pid_t pid = fork ();
  if (pid == 0)
    _exit (call_of_32_bits ());
  return waitpid (pid, &status, 0) == pid && WIFEXITED (status) && WEXITSTATUS (status) == 1;
}
#endif

static int
in_child (const char *name, int (*check) (void))
{
  int status = 0;
  fflush (NULL);
  pid_t pid = fork ();
  if (pid == 0)
    for (;;)
      syscall (SYS_exit_group, check ());
  if (pid < 0 || waitpid (pid, &status, 0) != pid || status != 0)
    {
      printf ("%s: status %x\n", name, (unsigned) status);
      return 1;
    }
  printf ("%s: ok\n", name);
  return 0;
}

int
main (void)
{
  self = open ("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  int failed = in_child ("harmless", check_harmless) | in_child ("opener", check_opener) | in_child ("exec filter", check_exec_filter);
#if defined(__x86_64__)
  if (takes_32_bits ())
    failed |= in_child ("32 bits", check_32_bits);
  else
    printf ("32 bits: this machine takes no such calls\n");
#endif
  return failed;
}
