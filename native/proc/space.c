#include "proc/space.h"

#include "base/files.h"
#include "base/format.h"
#include "base/sys.h"
#include "proc/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/statfs.h>
#include <unistd.h>

/** Blocks as bytes. Network file systems report what they like: nothing may overflow. */
static int64_t in_bytes(uint64_t blocks, int64_t block) { return blocks > (uint64_t)(INT64_MAX / block) ? INT64_MAX : (int64_t)blocks * block; }

int space_of(int fd, struct space *space) {
    struct statfs facts = {0};
    if (fstatfs(fd, &facts) < 0) {
        return -errno;
    }
    int64_t block = facts.f_frsize > 0 ? (int64_t)facts.f_frsize : (int64_t)facts.f_bsize;
    block = block > 0 ? block : 1;
    /* A used-up reserve is negative in some. */
    uint64_t available = facts.f_bavail > facts.f_bfree ? 0 : facts.f_bavail;
    uint64_t inodes_free = facts.f_ffree < facts.f_files ? facts.f_ffree : facts.f_files;
    *space = (struct space){
        .block_bytes = block,
        .size_bytes = in_bytes(facts.f_blocks, block),
        .free_bytes = in_bytes(facts.f_bfree, block),
        .available_bytes = in_bytes(available, block),
        .inodes = in_bytes(facts.f_files, 1),
        .inodes_free = in_bytes(inodes_free, 1),
        .inodes_available = in_bytes(inodes_free, 1), /* statfs(2) tells no reserve of inodes. */
    };
    return 0;
}

static bool has_capability(unsigned int capability) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct data[2] = {{0}, {0}};
    return sys2(__NR_capget, &header, data) == 0 && (data[capability / 32].effective >> capability % 32 & 1) != 0;
}

bool space_reserve_is_ours(void) {
    char text[512];
    ssize_t length = read_file_at(AT_FDCWD, "/proc/self/uid_map", text, sizeof text);
    struct span map = {text, length < 0 ? 0 : (size_t)length};
    uint64_t outside = 0;
    /* ext4 gives it to uid 0 of the node, with or without the capability; containers commonly run as the one without the other. */
    if (proc_map_outside(map, geteuid(), &outside) && outside == 0) {
        return true;
    }
    /* The capability counts in the initial user namespace only, which is the one that maps every id. */
    bool initial = proc_map_outside(map, UINT32_MAX - 1, &outside) && outside == UINT32_MAX - 1;
    return initial && has_capability(CAP_SYS_RESOURCE);
}

struct space space_with_reserve(struct space space) {
    space.available_bytes = space.free_bytes;
    return space;
}

const char *space_text(int64_t bytes, char out[SPACE_TEXT]) {
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    uint64_t value = bytes < 0 ? 0 : (uint64_t)bytes;
    unsigned int unit = 0;
    uint64_t rounded = value;
    while (rounded >= 1000 && unit + 1 < sizeof units / sizeof *units) {
        unit++;
        rounded = (value + (UINT64_C(1) << (10 * unit - 1))) >> 10 * unit;
    }
    if (unit == 0 || value >> 10 * unit >= 10) {
        format_text(out, SPACE_TEXT, "%llu %s", (unsigned long long)rounded, units[unit]);
        return out;
    }
    uint64_t tenths = (value * 10 + (UINT64_C(1) << (10 * unit - 1))) >> 10 * unit;
    if (tenths % 10 == 0) {
        format_text(out, SPACE_TEXT, "%llu %s", (unsigned long long)(tenths / 10), units[unit]);
    } else {
        format_text(out, SPACE_TEXT, "%llu.%llu %s", (unsigned long long)(tenths / 10), (unsigned long long)(tenths % 10), units[unit]);
    }
    return out;
}
