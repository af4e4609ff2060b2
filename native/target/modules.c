#include "target/modules.h"

#include "base/cleanup.h"
#include "base/files.h"
#include "base/format.h"
#include "base/sys.h"
#include "proc/modules.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <unistd.h>

static const char *const names[] = {"sch_netem", "sch_htb", "cls_u32", "sch_ingress", "act_mirred", "ifb", "nf_tables"};

/** Loaded, or built in with parameters: a module that is built in without any has no directory. */
static bool is_in_use(const char *name) {
    char path[64];
    format_text(path, sizeof path, "/sys/module/%s", name);
    return access(path, F_OK) == 0;
}

/**
 * The node's own, since the root that we have may be an image's: as the first process sees it, and no symlink leads out of there. -1: not to be seen,
 * also before Linux 5.6.
 */
static int open_modules(const char *release) {
    char path[128];
    const struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
    cleanup_close int root = open("/proc/1/root", O_PATH | O_DIRECTORY | O_CLOEXEC);
    format_text(path, sizeof path, "lib/modules/%s", release);
    return root < 0 ? -1 : (int)sys4(__NR_openat2, root, path, &how, sizeof how);
}

void modules_write(const char *release, struct json *line) {
    cleanup_free char *built_in_text = NULL;
    cleanup_free char *loadable_text = NULL;
    struct span built_in = {NULL, 0};
    struct span loadable = {NULL, 0};
    cleanup_close int directory = open_modules(release);
    bool known = directory >= 0 && read_whole_at(directory, "modules.builtin", &built_in_text, &built_in) == 0 && read_whole_at(directory, "modules.dep", &loadable_text, &loadable) == 0;
    json_open(line, "modules", '[');
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        bool present = is_in_use(names[i]) || proc_lists_module(built_in, names[i]);
        if (present || known) {
            json_open(line, NULL, '{');
            json_string(line, "name", names[i]);
            json_string(line, "state", present ? "present" : proc_lists_module(loadable, names[i]) ? "loadable" : "missing");
            json_close(line, '}');
        }
    }
    json_close(line, ']');
}
