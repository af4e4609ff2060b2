/* loader FILE: a program that loads code as programs do without being asked: users and hosts by NSS, a character set, a library by name, libgcc_s at the end of a thread. A line for
   each; it ends with 0 whatever it was refused, since what counts is what the library has done. */
#include <dlfcn.h>
#include <iconv.h>
#include <netdb.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void *
end_thread (void *nothing)
{
  pthread_exit (nothing);
}

int
main (int argc, char **argv)
{
  struct addrinfo *found = NULL;
  pthread_t thread;
  if (argc != 2)
    return 2;
  const struct passwd *user = getpwuid (geteuid ());
  fprintf (stderr, "user=%s\n", user ? user->pw_name : "none");
  fprintf (stderr, "host=%d\n", getaddrinfo ("nowhere.invalid", NULL, NULL, &found));
  fprintf (stderr, "charset=%s\n", iconv_open ("EVIL", "UTF-8") == (iconv_t) -1 ? "none" : "there");
  fprintf (stderr, "library=%s\n", dlopen (argv[1], RTLD_NOW) ? "loaded" : dlerror ());
  if (pthread_create (&thread, NULL, end_thread, NULL) != 0 || pthread_join (thread, NULL) != 0)
    return 1;
  execl (argv[1], argv[1], NULL);
  fprintf (stderr, "exec=refused\ndone\n");
  return 0;
}
