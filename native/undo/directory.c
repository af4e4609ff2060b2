#include "undo/directory.h"

#include "base/cleanup.h"
#include "base/format.h"
#include "base/sys.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Of directories within each other as many as have room in memory; what is deeper comes up to the first. */
enum { DEPTH_MAX = 32, PIECE_BYTES = 4096, MODE = 0700 };

/* struct linux_dirent64, whose d_name is behind the fields and has no length of its own. */
struct entry {
    uint64_t inode;
    int64_t offset;
    uint16_t length;
    uint8_t type;
    char name[];
};

/** What is being emptied, and as whom. */
struct emptying {
    int top;        /**< O_PATH */
    bool as_root;
    uint32_t owner; /**< of the whole: as root nothing is removed that lies in another's directory, since somebody may have moved it here */
};

static int open_without_crossing(int at, const char *name, uint64_t flags) {
    const struct open_how how = {.flags = flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, .resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH};
    return (int)sys4(__NR_openat2, at, name, &how, sizeof how);
}

static int open_below(int at, const char *name) { return open_without_crossing(at, name, O_RDONLY | O_NONBLOCK); }

int directory_open(int at, const char *name) { return open_without_crossing(at, name, O_PATH); }

static int empty(struct emptying *emptying, int at, const char *name, int depth);

/** Out of the depth, beside the others: its own turn comes when they are looked through again. */
static int raise_up(struct emptying *emptying, int at, const char *name) {
    char risen[32];
    struct stat st;
    if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        return -errno;
    }
    format_text(risen, sizeof risen, ".deep-%llu", (unsigned long long)st.st_ino);
    return renameat(at, name, emptying->top, risen) < 0 ? -errno : 0;
}

static int remove_entry(struct emptying *emptying, int at, const char *name, int depth) {
    if (unlinkat(at, name, 0) == 0 || errno == ENOENT) {
        return 0;
    }
    if (errno != EISDIR) {
        return -errno;
    }
    if (depth == DEPTH_MAX) {
        return raise_up(emptying, at, name);
    }
    int result = empty(emptying, at, name, depth + 1);
    return result < 0 ? result : unlinkat(at, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : -errno;
}

/** One pass through it: how many went, or the first failure although others may have gone. */
static int remove_entries(struct emptying *emptying, int fd, int depth) {
    union {
        struct entry first;
        char bytes[PIECE_BYTES];
    } piece;
    int gone = 0;
    int failed = 0;
    for (;;) {
        long got = sys3(__NR_getdents64, fd, piece.bytes, sizeof piece);
        if (got <= 0) {
            failed = got < 0 && got != -ENOENT && failed == 0 ? (int)got : failed;
            return failed < 0 ? failed : gone;
        }
        for (long at = 0; at < got;) {
            struct entry entry;
            const char *name = piece.bytes + at + offsetof(struct entry, name);
            memcpy(&entry, piece.bytes + at, offsetof(struct entry, name));
            at += entry.length;
            if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
                int result = remove_entry(emptying, fd, name, depth);
                failed = result < 0 && failed == 0 ? result : failed;
                gone += result == 0;
            }
        }
    }
}

static int empty(struct emptying *emptying, int at, const char *name, int depth) {
    cleanup_close int fd = open_below(at, name);
    struct stat st;
    if (fd < 0) {
        return fd == -ENOENT ? 0 : fd;
    }
    if (fstat(fd, &st) < 0) {
        return -errno;
    }
    if (emptying->as_root && st.st_uid != emptying->owner) {
        return -EPERM;
    }
    /* Some file systems pass over what comes after an entry that goes: until there is nothing more. */
    int result = 0;
    do {
        result = lseek(fd, 0, SEEK_SET) < 0 ? -errno : remove_entries(emptying, fd, depth);
    } while (result > 0);
    return result;
}

/** What is removed is not in its parent any more, and gives no entries, of whatever kind the file system. */
static int is_removed(int directory) {
    char bytes[PIECE_BYTES];
    cleanup_close int fd = open_below(directory, ".");
    long got = fd < 0 ? fd : sys3(__NR_getdents64, fd, bytes, sizeof bytes);
    return got == -ENOENT || got == -ESTALE ? 1 : got < 0 ? (int)got : 0;
}

static bool is_at(const struct stat *directory, const struct stat *other) { return directory->st_dev == other->st_dev && directory->st_ino == other->st_ino; }

/** Its name, once there is nothing in it. */
static int remove_name(const struct undo *undo, const struct stat *known) {
    struct stat st;
    if (fstatat(undo->at, undo->name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        int number = errno;
        int removed = number == ENOENT && known != NULL ? is_removed(undo->directory) : number == ENOENT;
        return removed == 1 ? 0 : removed < 0 ? removed : number == ENOENT ? -ESTALE : -number;
    }
    if (known != NULL ? !is_at(&st, known) : !S_ISDIR(st.st_mode)) {
        return -ESTALE;
    }
    return unlinkat(undo->at, undo->name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : -errno;
}

static int remove_as(const struct undo *undo, bool as_root) {
    struct stat known;
    if (undo->directory < 0) {
        return remove_name(undo, NULL);
    }
    if (fstat(undo->directory, &known) < 0) {
        return errno == ESTALE ? 0 : -errno;
    }
    struct emptying emptying = {.top = undo->directory, .as_root = as_root, .owner = known.st_uid};
    int result = empty(&emptying, undo->directory, ".", 0);
    int renamed = remove_name(undo, &known);
    return result < 0 && renamed < 0 ? result : renamed;
}

/** For file systems alone: what is done to them is done as this user, whose capabilities over files we have not then either. */
static void take_file_ids(uint32_t uid, uint32_t gid) {
    sys1(__NR_setfsgid, gid);
    sys1(__NR_setfsuid, uid);
}

int directory_remove(const struct undo *undo) {
    const struct last_steps *owner = undo->owner;
    if (owner != NULL && owner->uid[1] != 0 && sys2(__NR_setgroups, owner->group_count, owner->groups) == 0) {
        take_file_ids(owner->uid[1], owner->gid[1]);
        int result = remove_as(undo, false);
        take_file_ids(0, 0);
        if (result == 0) {
            return 0;
        }
    }
    return remove_as(undo, true);
}

int directory_present(const struct undo *undo) {
    struct stat st;
    if (undo->directory >= 0) {
        int removed = is_removed(undo->directory);
        return removed < 0 ? removed : !removed;
    }
    return fstatat(undo->at, undo->name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? 1 : errno == ENOENT ? 0 : -errno;
}

const char *directory_why(int number) {
    switch (number) {
    case ESTALE:
        return "somebody has moved it, or put something else into its place; what was in it is removed";
    case ENOTCONN:
        return "the server of its file system is gone";
    case EXDEV:
        return "something is mounted in it";
    case ENOTEMPTY:
        return "something was put into it that is not ours";
    default:
        return NULL;
    }
}

/** Only what nobody has put anything into yet can be taken for ours. */
static int check_new(int directory) {
    char bytes[PIECE_BYTES];
    cleanup_close int fd = open_below(directory, ".");
    if (fd < 0) {
        return fd;
    }
    int entries = 0;
    for (long got = 1; got > 0;) {
        got = sys3(__NR_getdents64, fd, bytes, sizeof bytes);
        for (long at = 0; at < got;) {
            struct entry entry;
            memcpy(&entry, bytes + at, offsetof(struct entry, name));
            at += entry.length;
            entries++;
        }
        if (got < 0) {
            return (int)got;
        }
    }
    /* `.` and `..`, where they are told at all. */
    return entries > 2 ? -EEXIST : 0;
}

int directory_make(int at, const char *name) {
    (void)umask(0);
    if (mkdirat(at, name, MODE) < 0) {
        return -errno;
    }
    cleanup_close int fd = directory_open(at, name);
    int result = fd < 0 ? fd : check_new(fd);
    if (result < 0) {
        (void)unlinkat(at, name, AT_REMOVEDIR);
        return result == -ENOTDIR || result == -ELOOP || result == -EXDEV ? -EEXIST : result;
    }
    return steal_fd(&fd);
}
