// The first process of a pod or of a container that only has to be there: waits, reaps what is handed to it, ends when told to.
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
  sigset_t waited;
  sigemptyset(&waited);
  sigaddset(&waited, SIGTERM);
  sigaddset(&waited, SIGINT);
  sigaddset(&waited, SIGCHLD);
  // blocked and waited for: as process 1 of its namespace it gets no signal that it has not asked for
  if (sigprocmask(SIG_BLOCK, &waited, NULL) == -1) return 1;
  for (;;) {
    siginfo_t info;
    if (sigwaitinfo(&waited, &info) == -1) continue;
    if (info.si_signo != SIGCHLD) return 0;
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
  }
}
