/* A service in the target's network, for what is asked about connections. */
#include "probe.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <sys/socket.h>

int
probe_listen (int argc, char **argv)
{
  struct sockaddr_in address = { .sin_family = AF_INET };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
  if (argc != 3 || inet_pton (AF_INET, argv[1], &address.sin_addr) != 1)
    return 2;
  address.sin_port = htons ((uint16_t) probe_number (argv[2]));
  setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind (fd, (struct sockaddr *) &address, sizeof address) < 0 || listen (fd, 16) < 0)
    return probe_failed ("listen");
  puts ("listening");
  fflush (stdout);
  probe_wait ();
}
