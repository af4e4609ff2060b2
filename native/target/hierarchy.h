#ifndef NSEXEC_HIERARCHY_H
#define NSEXEC_HIERARCHY_H

#include "base/error.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/** One cgroup hierarchy that the target is in. */
struct hierarchy {
    char *name;   /**< "cpu,cpuacct", "name=systemd", or "" for v2 */
    char *path;   /**< the target's cgroup in it, as PID 1 sees it */
    int version;  /**< 1 or 2 */
    int mount;    /**< its root; -1 when it is not mounted on this node any more */
    int directory; /**< the target's cgroup */
    /**
     * Where no container's end, limit or accounting reaches a process: the root. A node that is itself a container (kind, k3d, minikube) has in its root of v2 a cgroup that has
     * controllers for its children, and such a cgroup takes no processes: there it is that of process 1. Belongs to the hierarchy, or is its `mount`; -1 as `mount` is.
     */
    int outside;
    char *outside_path; /**< of that, as PID 1 sees it: "/", or "/init.scope" */
    size_t container; /**< so much of `path` leads to the cgroup that bears the container's name; 0: none does */
};

/** From where cgroup paths are read (README, step 3). */
enum cgroup_view { VIEW_INIT, VIEW_HOST, VIEW_OWN };

/* The kernel has 14 controllers; with named hierarchies there may be more, but never this many. */
enum { HIERARCHIES_MAX = 32 };

struct hierarchies {
    struct hierarchy item[HIERARCHIES_MAX];
    size_t count;
    enum cgroup_view view;
};

/** Joins PID 1's cgroup namespace, or decides that ours will do. */
int view_enter(struct hierarchies *hierarchies, struct error *err);

/** Reads the target's cgroup in every hierarchy and opens each; `need` as in the option. */
int hierarchies_open(struct hierarchies *hierarchies, int proc, const char *need, struct error *err);
void hierarchies_close(struct hierarchies *hierarchies);
/** Finds the cgroup of this container in each path: the target may have gone into one below it (Docker in Docker, systemd, crun). */
void hierarchies_name_container(struct hierarchies *hierarchies, const char *id);

/** The hierarchy that has this controller and that the target is in; NULL when it is none or has lost its mount. */
const struct hierarchy *hierarchy_with(const struct hierarchies *hierarchies, const char *controller);
/** The v2 hierarchy, or NULL when the target is in none that is mounted. */
const struct hierarchy *hierarchy_v2(const struct hierarchies *hierarchies);

/** `v1`, `v2` or `hybrid`, by what the target is in. */
const char *hierarchies_mode(const struct hierarchies *hierarchies);

/** The cgroup that the process of this /proc directory has in the hierarchy, as PID 1 sees it; points into `text`, which is to be freed. False when it is in none, or has ended. One that is dying may be in the root. */
bool hierarchy_place(const struct hierarchy *hierarchy, int proc, char **text, struct span *path);

/** Compares another process's cgroups with the target's; the text of the failure names the hierarchy. */
int hierarchies_compare(const struct hierarchies *hierarchies, int proc, struct error *err);

#endif
