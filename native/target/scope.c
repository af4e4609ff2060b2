#include "target/scope.h"

#include "base/cleanup.h"
#include "base/format.h"
#include "target/levels.h"

#include <fcntl.h>
#include <string.h>

/** How much of the path leads to the container's own cgroup; 0: it has none there. */
static size_t own_length(const struct hierarchy *hierarchy, bool by_pid) {
    size_t length = hierarchy == NULL ? 0 : by_pid ? strlen(hierarchy->path) : hierarchy->container;
    return length > 1 ? length : 0; /* The root is everybody's. */
}

int scope_open(struct scope *scope, const struct hierarchies *hierarchies, bool by_pid, struct error *err) {
    char path[LEVEL_PATH_BYTES];
    scope->hierarchy = hierarchy_with(hierarchies, "freezer");
    scope->length = own_length(scope->hierarchy, by_pid);
    if (scope->length == 0) {
        scope->hierarchy = hierarchy_v2(hierarchies);
        scope->length = own_length(scope->hierarchy, by_pid);
    }
    if (scope->length == 0) {
        return fail(err, "cgroup", 0, "the target has no cgroup of its own, neither in v1's freezer nor in v2: processes of others would be hit");
    }
    /* What does not fit does not open either. */
    format_text(path, sizeof path, "%.*s", (int)scope->length - 1, scope->hierarchy->path + 1);
    scope->cgroup = openat(scope->hierarchy->mount, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return scope->cgroup < 0 ? fail(err, "cgroup", errno, "open the container's cgroup `%.512s`", path) : 0;
}

bool scope_holds(const struct scope *scope, int proc) {
    cleanup_free char *text = NULL;
    struct span path;
    size_t length = scope->length;
    return hierarchy_place(scope->hierarchy, proc, &text, &path) && path.length >= length && memcmp(path.at, scope->hierarchy->path, length) == 0 && (path.length == length || path.at[length] == '/');
}
