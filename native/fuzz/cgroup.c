#include "proc/proc.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* /proc/PID/cgroup, and the search for a container in its paths. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char id[] = "0123456789ab";
    struct span rest = {(const char *)data, size};
    struct cgroup_line line;
    while (proc_next_cgroup(&rest, &line)) {
        struct span prefix;
        assert(line.path.length > 0 && line.path.at[0] == '/');
        assert(memchr(line.path.at, '\n', line.path.length) == NULL);
        if (proc_path_names_container(line.path, id, &prefix)) {
            /* Whatever names it holds the whole id, and the prefix is a beginning of the path. */
            assert(prefix.at == line.path.at && prefix.length <= line.path.length && prefix.length > sizeof id - 1);
            bool found = false;
            for (size_t i = 0; !found && i + sizeof id - 1 <= prefix.length; i++) {
                found = memcmp(prefix.at + i, id, sizeof id - 1) == 0;
            }
            assert(found);
        }
        (void)proc_list_holds(line.name, (struct span){"cpu,cpuacct", 11});
    }
    return 0;
}
