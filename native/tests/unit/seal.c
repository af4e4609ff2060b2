#include "unit.h"

#include "base/error.h"
#include "base/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, HELD_MS = 500 };

/* A page that somebody holds for longer than the kernel waits for it, as it may itself under load: sealed as soon as it is let go. */
static void
held_page (void **state)
{
  (void) state;
  static const char content[PAGE] = "x";
  struct error err = { 0 };
  int ends[2];
  int fd = sealed_begin ("unit", &err);
  assert_true (fd >= 0);
  assert_int_equal (write (fd, content, sizeof content), PAGE);
  char *page = mmap (NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
  assert_true (page != MAP_FAILED);
  assert_int_equal (page[0], 'x');
  assert_int_equal (pipe (ends), 0);
  struct iovec part = { page, PAGE };
  /* The pipe takes the page itself, no copy. */
  assert_int_equal (vmsplice (ends[1], &part, 1, 0), PAGE);
  assert_int_equal (munmap (page, PAGE), 0);
  pid_t holder = fork ();
  assert_true (holder >= 0);
  if (holder == 0)
    {
      poll (NULL, 0, HELD_MS);
      _exit (0);
    }
  close (ends[0]);
  close (ends[1]);
  assert_int_equal (fcntl (fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
  assert_int_equal (errno, EBUSY);
  assert_int_equal (sealed_end (fd, &err), 0);
  assert_true (fcntl (fd, F_GET_SEALS) & F_SEAL_WRITE);
  assert_int_equal (waitpid (holder, NULL, 0), holder);
  close (fd);
}

int
unit_seal (void)
{
  const struct CMUnitTest tests[] = { cmocka_unit_test (held_page) };
  return cmocka_run_group_tests_name ("seal", tests, NULL, NULL);
}
