#include "path/entrance.h"

#include "base/sys.h"
#include "run.h"

#include <fcntl.h>
#include <unistd.h>

/* Above every place that is filled. */
enum { PARKING = 32, PLACES_MAX = PARKING - WORKLOAD_FDS };

struct entrance entrance_of(const struct run *run) {
    return (struct entrance){
        .mnt = run->steps->join_mnt ? run->target.namespaces.fd[NS_MNT] : -1,
        .root = run->target.root,
        .user = run->steps->join_user ? run->target.namespaces.fd[NS_USER] : -1,
    };
}

/** Out of the way of the places; false when it could not. */
static bool park(const int *from, int *parked, size_t count) {
    for (size_t i = 0; i < count; i++) {
        parked[i] = from[i] < 0 ? -1 : fcntl(from[i], F_DUPFD_CLOEXEC, PARKING);
        if (from[i] >= 0 && parked[i] < 0) {
            return false;
        }
    }
    return true;
}

static bool put(int parked, int place) { return parked < 0 || dup2(parked, place) == place; }

bool entrance_arrange(const struct entrance *entrance, int *kept, size_t count) {
    const int from[] = {entrance->mnt, entrance->root, entrance->user};
    const int to[] = {WORKLOAD_MNT, WORKLOAD_ROOT, WORKLOAD_USER};
    int parked[3];
    int others[PLACES_MAX];
    if (count > PLACES_MAX || !park(from, parked, 3) || !park(kept, others, count)) {
        return false;
    }
    sys_close_from(WORKLOAD_LINK, PARKING - 1);
    for (size_t i = 0; i < 3; i++) {
        if (!put(parked[i], to[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < count; i++) {
        int place = WORKLOAD_FDS + (int)i;
        if (!put(others[i], place)) {
            return false;
        }
        kept[i] = others[i] < 0 ? -1 : place;
    }
    sys_close_from(WORKLOAD_FDS + (unsigned int)count, ~0U);
    return true;
}
