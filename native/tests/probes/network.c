/* A service in the target's network, for what is asked about connections. */
#include "probe.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

int
probe_listen (int argc, char **argv)
{
  struct sockaddr_in four = { .sin_family = AF_INET };
  struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
  bool is_six = argc == 3 && strchr (argv[1], ':') != NULL;
  int fd = socket (is_six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
  if (argc != 3 || inet_pton (is_six ? AF_INET6 : AF_INET, argv[1], is_six ? (void *) &six.sin6_addr : (void *) &four.sin_addr) != 1)
    return 2;
  four.sin_port = six.sin6_port = htons ((uint16_t) probe_number (argv[2]));
  setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind (fd, is_six ? (struct sockaddr *) &six : (struct sockaddr *) &four, is_six ? sizeof six : sizeof four) < 0 || listen (fd, 16) < 0)
    return probe_failed ("listen");
  puts ("listening");
  fflush (stdout);
  probe_wait ();
}
