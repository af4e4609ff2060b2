#include "fill/take.h"

#include "base/format.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    /* One call's share: small enough that a KILL is not late and that others who run out of space are noticed, large enough that a GiB is a few calls. */
    CHUNK = 64 << 20,
    /* Written blocks are in the target's memory until they are on the disk. */
    WRITTEN_CHUNK = 8 << 20,
    BUFFER = 256 << 10,
    FILES_BETWEEN_LOOKS = 256
};

static int measure(const struct taking *taking, struct space *space, struct error *err) {
    int result = space_of(taking->directory, space);
    if (result < 0) {
        return fail(err, "internal", -result, "measure the file system");
    }
    *space = taking->reserve_is_ours ? space_with_reserve(*space) : *space;
    return 0;
}

/** How much more must be in use, so that `percent` of `used + available` is; rounded up. */
static int64_t missing(int64_t percent, int64_t used, int64_t available) {
    /* In two steps: a product of both could overflow. */
    const int64_t whole = 100 * PERCENT;
    int64_t all = used + available;
    int64_t goal = all / whole * percent + (all % whole * percent + whole - 1) / whole;
    return goal - used;
}

static int64_t space_missing(const struct amount *amount, const struct space *space) { return missing(amount->percent, space->size_bytes - space->free_bytes, space->available_bytes); }

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

/** Whole blocks: up where all of it is wanted, down where no more may be taken. */
static int64_t blocks_up(int64_t bytes, int64_t block) { return bytes > INT64_MAX - block ? INT64_MAX : (bytes + block - 1) / block * block; }
static int64_t blocks_down(int64_t bytes, int64_t block) { return bytes / block * block; }

/** A file that goes with its descriptor. */
static int open_nameless(int directory) {
    int fd = openat(directory, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL && errno != ENOENT && errno != ENOSYS)) {
        return fd;
    }
    static const char name[] = "space";
    fd = openat(directory, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, 0600);
    if (fd >= 0 && unlinkat(directory, name, 0) < 0) {
        int number = errno;
        close(fd);
        errno = number;
        return -1;
    }
    return fd;
}

static int next_file(struct taking *taking, struct error *err) {
    if (taking->files == FILES_MAX) {
        return fail(err, "internal", EFBIG, "%d files are not enough", FILES_MAX);
    }
    int fd = open_nameless(taking->directory);
    if (fd < 0) {
        return fail(err, "internal", errno, "make a file");
    }
    taking->file[taking->files].fd = fd;
    taking->file[taking->files].length = 0;
    taking->files++;
    return 0;
}

/** Some file systems (ZFS) say yes to fallocate and set nothing aside. -errno on failure. */
static int64_t allocate(struct taking *taking, int fd, int64_t from, int64_t bytes) {
    int result = 0;
    do {
        result = fallocate(fd, 0, from, bytes);
    } while (result < 0 && errno == EINTR);
    if (result < 0) {
        return -errno;
    }
    struct stat facts = {0};
    if (!taking->proven && (fstat(fd, &facts) < 0 || (int64_t)facts.st_blocks * 512 < bytes / 2)) {
        return -EOPNOTSUPP;
    }
    taking->proven = true;
    return bytes;
}

/** Random: zeros would be compressed, or deduplicated, to nothing. */
static void refill(uint64_t *buffer, size_t words) {
    static uint64_t state;
    while (state == 0) {
        /* Seeded once; what has not come yet at an early boot is not waited for. */
        if (getrandom(&state, sizeof state, GRND_NONBLOCK) < 0) {
            state = (uint64_t)(uintptr_t)buffer ^ (uint64_t)getpid() << 32;
        }
    }
    for (size_t i = 0; i < words; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        buffer[i] = state;
    }
}

/** What went in, although less than asked, when the next did not. -errno when nothing did. */
static int64_t write_blocks(int fd, int64_t from, int64_t bytes) {
    static uint64_t buffer[BUFFER / sizeof(uint64_t)];
    int64_t done = 0;
    while (done < bytes) {
        refill(buffer, sizeof buffer / sizeof *buffer);
        ssize_t wrote = pwrite(fd, buffer, (size_t)smaller(bytes - done, sizeof buffer), from + done);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote <= 0) {
            int number = wrote < 0 ? errno : ENOSPC;
            if (done == 0) {
                return -number;
            }
            break;
        }
        done += wrote;
    }
    /* Only now the file system has found room for it, or not. */
    if (fdatasync(fd) < 0) {
        return -errno;
    }
    posix_fadvise(fd, from, done, POSIX_FADV_DONTNEED);
    return done;
}

/** Grows the last file by at most `bytes`: by how much, or -errno. What a failed attempt took, and a part of it often stays, is given back. */
static int64_t grow(struct taking *taking, int64_t bytes, int64_t block) {
    int fd = taking->file[taking->files - 1].fd;
    int64_t length = taking->file[taking->files - 1].length;
    for (int64_t part = bytes;;) {
        int64_t grown = taking->written ? write_blocks(fd, length, smaller(part, WRITTEN_CHUNK)) : allocate(taking, fd, length, part);
        if (grown >= 0) {
            taking->file[taking->files - 1].length += grown;
            taking->held += grown;
            return grown;
        }
        if (ftruncate(fd, length) < 0) {
            return -errno;
        }
        if (!taking->written && (grown == -EOPNOTSUPP || grown == -ENOSYS)) {
            taking->written = true;
            continue;
        }
        part = blocks_down(part / 2, block);
        /* Where all of it is too much, less may still be had. */
        if (part == 0 || (grown != -ENOSPC && grown != -EFBIG && grown != -EDQUOT)) {
            return grown;
        }
    }
}

static int give_back(struct taking *taking, int64_t bytes, struct error *err) {
    for (size_t i = taking->files; i > 0 && bytes > 0; i--) {
        int64_t part = smaller(bytes, taking->file[i - 1].length);
        if (ftruncate(taking->file[i - 1].fd, taking->file[i - 1].length - part) < 0) {
            return fail(err, "internal", errno, "give space back");
        }
        taking->file[i - 1].length -= part;
        taking->held -= part;
        bytes -= part;
    }
    return 0;
}

/** Ended before the amount was reached: as full as it can be is what was wanted, anything else is a limit that statfs does not know. */
static int ended_early(const struct taking *taking, const struct space *space, int number, struct error *err) {
    /* ext4 keeps back up to 2 % for its own needs, which statfs counts with root's reserve. */
    int64_t slack = smaller(space->size_bytes / 32, CHUNK);
    if (number == ENOSPC && space->available_bytes - taking->leave <= slack) {
        return 0;
    }
    char held[SPACE_TEXT];
    char asked[SPACE_TEXT];
    char available[SPACE_TEXT];
    return fail(err, "internal", number, "took %s of %s, and no more although %s are free", space_text(taking->held, held), space_text(taking->asked, asked), space_text(space->available_bytes, available));
}

static int take_until(struct taking *taking, const struct amount *amount, struct error *err) {
    struct space space = {0};
    for (;;) {
        if (measure(taking, &space, err) < 0) {
            return -1;
        }
        int64_t room = space.available_bytes - taking->leave;
        if (room < 0) {
            return give_back(taking, blocks_up(-room, space.block_bytes), err);
        }
        /* What others take meanwhile counts for a percentage; what they free does not. */
        int64_t wanted = taking->asked - taking->held;
        wanted = amount->percent == 0 ? wanted : smaller(wanted, space_missing(amount, &space));
        wanted = smaller(smaller(wanted <= 0 ? 0 : blocks_up(wanted, space.block_bytes), blocks_down(room, space.block_bytes)), CHUNK);
        if (wanted == 0) {
            return 0;
        }
        int64_t grown = grow(taking, wanted, space.block_bytes);
        if (grown == -EFBIG && taking->file[taking->files - 1].length > 0) {
            if (next_file(taking, err) < 0) {
                return -1;
            }
        } else if (grown <= 0) {
            if (measure(taking, &space, err) < 0) {
                return -1;
            }
            int64_t over = taking->leave - space.available_bytes;
            /* It was others who took the last of it, and less than what is to stay free is left. */
            return grown == -ENOSPC && over > 0 ? give_back(taking, blocks_up(over, space.block_bytes), err) : ended_early(taking, &space, (int)-grown, err);
        }
    }
}

int take_space(struct taking *taking, const struct amount *amount, struct error *err) {
    struct space space = {0};
    char asked[SPACE_TEXT];
    char available[SPACE_TEXT];
    char leave[SPACE_TEXT];
    if (measure(taking, &space, err) < 0) {
        return -1;
    }
    int64_t room = space.available_bytes - taking->leave;
    taking->asked = amount->percent == 0 ? amount->count : space_missing(amount, &space);
    if (taking->asked <= 0) {
        return fail(err, "internal", 0, "the file system is that full already: %s of it are free", space_text(space.available_bytes, available));
    }
    if (room <= 0 || (amount->percent == 0 && room < taking->asked)) {
        return fail(err, "internal", ENOSPC, "%s are asked for, %s are free, and %s stay free", space_text(taking->asked, asked), space_text(space.available_bytes, available),
                    space_text(taking->leave, leave));
    }
    if (next_file(taking, err) < 0 || take_until(taking, amount, err) < 0) {
        return -1;
    }
    /* btrfs counts what it has given out with its next commit, half a minute later; whoever looks at the disk is not to wonder until then. */
    int64_t free_before = space.free_bytes;
    if (measure(taking, &space, err) < 0) {
        return -1;
    }
    if (taking->held == 0) {
        return fail(err, "internal", ENOSPC, "others took what was free: %s are, and %s stay free", space_text(space.available_bytes, available), space_text(taking->leave, leave));
    }
    if (free_before - space.free_bytes < taking->held / 2) {
        syncfs(taking->directory);
    }
    return 0;
}

/** 0 when it was made. -errno on failure. */
static int make_file(int directory, int64_t number) {
    char name[24];
    format_text(name, sizeof name, "%lld", (long long)number);
    int fd = -1;
    do {
        fd = openat(directory, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, 0600);
    } while (fd < 0 && errno == EINTR);
    return fd < 0 || close(fd) < 0 ? -errno : 0;
}

static int64_t inodes_missing(const struct amount *amount, const struct space *space) { return missing(amount->percent, space->inodes - space->inodes_free, space->inodes_free); }

/** As ended_early. */
static int no_more_files(const struct taking *taking, int number, struct error *err) {
    struct space space = {0};
    char available[SPACE_TEXT];
    if (measure(taking, &space, err) < 0) {
        return -1;
    }
    if (number == ENOSPC && space.inodes_free == 0) {
        return 0;
    }
    return fail(err, "internal", number, "made %lld of %lld files, and no more although %lld inodes and %s are free", (long long)taking->made, (long long)taking->asked_inodes, (long long)space.inodes_free,
                space_text(space.available_bytes, available));
}

/** How many may be made before the next look; 0: it is enough. */
static int64_t next_files(const struct taking *taking, const struct amount *amount, struct error *err) {
    struct space space = {0};
    char available[SPACE_TEXT];
    char leave[SPACE_TEXT];
    if (measure(taking, &space, err) < 0) {
        return -1;
    }
    /* Where inodes are made as they are needed, they are made of the space. */
    if (space.available_bytes < taking->leave) {
        return fail(err, "internal", ENOSPC, "made %lld of %lld files: %s are free, and %s stay free", (long long)taking->made, (long long)taking->asked_inodes,
                    space_text(space.available_bytes, available), space_text(taking->leave, leave));
    }
    int64_t left = smaller(FILES_BETWEEN_LOOKS, taking->asked_inodes - taking->made);
    left = amount->percent == 0 ? left : smaller(left, inodes_missing(amount, &space));
    return left < 0 ? 0 : left;
}

static int make_files(struct taking *taking, const struct amount *amount, struct error *err) {
    for (;;) {
        int64_t left = next_files(taking, amount, err);
        if (left <= 0) {
            return (int)left;
        }
        for (; left > 0; left--, taking->made++) {
            int result = make_file(taking->directory, taking->made);
            if (result < 0) {
                return no_more_files(taking, -result, err);
            }
        }
    }
}

int take_inodes(struct taking *taking, const struct amount *amount, struct error *err) {
    struct space space = {0};
    if (measure(taking, &space, err) < 0) {
        return -1;
    }
    if (space.inodes == 0) {
        return fail(err, "internal", 0, "this file system does not count its inodes: they do not run out");
    }
    taking->asked_inodes = amount->percent == 0 ? amount->count : inodes_missing(amount, &space);
    if (taking->asked_inodes <= 0) {
        return fail(err, "internal", 0, "so many inodes are in use already: %lld of %lld are free", (long long)space.inodes_free, (long long)space.inodes);
    }
    if (amount->percent == 0 && space.inodes_free < taking->asked_inodes) {
        return fail(err, "internal", ENOSPC, "%lld inodes are asked for, and %lld are free", (long long)taking->asked_inodes, (long long)space.inodes_free);
    }
    return make_files(taking, amount, err);
}
