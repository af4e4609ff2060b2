#include "undo/ipc.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/descriptors.h"
#include "base/format.h"
#include "base/sys.h"
#include "enter/harmless.h"
#include "enter/link.h"
#include "enter/tree.h"
#include "errand.h"
#include "proc/mount.h"
#include "undo/revert.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <poll.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>

enum { INSIDE_LIMIT_MS = 1000, LIMIT_MS = 3000, LIST_MAX_BYTES = 8 << 20, NAMED_MAX = 8, NOBODY = 65534, MESSAGES_MAX = 8, PROC_MAGIC = 0x9fa0 /* PROC_SUPER_MAGIC */ };
/* Everybody on the node may use the initial one (PROC_IPC_INIT_INO): what is new there says nothing of a workload. */
#define INITIAL_IPC_NAMESPACE 4026531839U

static const char *const files[] = {[IPC_SHM] = "shm", [IPC_SEM] = "sem", [IPC_MSG] = "msg"};

/* --- the children that open the lists */

struct opening {
    struct entry entry; /**< what joining needs */
    int pid_namespace;
};

static void send(int link, enum ipc_list which, int fd) {
    const struct message message = {.kind = MESSAGE_LIST, .value = which};
    if (fd >= 0) {
        (void)link_send(link, &message, &fd, 1);
    }
}

__attribute__((noreturn)) static void give_up(int link, long result) {
    const struct message message = {.kind = MESSAGE_FAILED, .value = (int32_t)-result};
    (void)link_send(link, &message, NULL, 0);
    sys_exit(EXIT_OWN_FAILURE);
}

/** For good: a target may see the child that comes of it. */
static long drop_all_rights(void) {
    long result = sys2(__NR_setgroups, 0, NULL);
    result = result < 0 ? result : sys3(__NR_setresgid, NOBODY, NOBODY, NOBODY);
    result = result < 0 ? result : sys3(__NR_setresuid, NOBODY, NOBODY, NOBODY);
    result = result < 0 ? result : prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* A change of ids resets it. */
    return result;
}

/** In the workload's pid namespace, where a target can see it: without any right, among the target's files, and a moment later gone. */
__attribute__((noreturn)) static void open_inside(int directory, int link) {
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    prctl(PR_SET_NAME, "nsexec:ipc", 0, 0, 0);
    send(link, IPC_SHM, openat(directory, files[IPC_SHM], O_RDONLY | O_CLOEXEC));
    sys_exit(0);
}

/** Whoever may see the one inside may stop it as well: nobody waits for it longer than this. */
static void await_inside(int pidfd) {
    struct pollfd ended = {.fd = pidfd, .events = POLLIN};
    const struct timespec limit = {.tv_sec = INSIDE_LIMIT_MS / 1000};
    if (sys5(__NR_ppoll, &ended, 1, &limit, 0, 0) != 1) {
        sys4(__NR_pidfd_send_signal, pidfd, SIGKILL, 0, 0);
    }
}

/** The agent's /proc/sysvipc and nothing else of its /proc: the root of a mount of its own, from which no `..` leads out. -1, with errno; ENOENT where there is no System V IPC. */
static int open_lists_alone(void) {
    long fd = sys3(__NR_open_tree, AT_FDCWD, "/proc/sysvipc", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (fd < 0) {
        errno = (int)-fd;
    }
    return (int)(fd < 0 ? -1 : fd);
}

/**
 * What the list shows depends on who opens it and not on where it lies. Whoever is led to our root by /proc/PID of who opens it comes to these three lists; everything else that /proc tells of
 * him is the target's.
 */
static void enter_to_open(const struct opening *opening, int directory) {
    const struct entry *entry = &opening->entry;
    long result = sys2(__NR_setns, opening->pid_namespace, CLONE_NEWPID);
    if (result == 0 && entry->namespaces->inode[NS_MNT] != entry->own.inode[NS_MNT]) {
        result = sys2(__NR_setns, entry->namespaces->fd[NS_MNT], CLONE_NEWNS);
    }
    result = result < 0 ? result : sys1(__NR_fchdir, directory);
    result = result < 0 ? result : sys1(__NR_chroot, ".");
    result = result < 0 ? result : drop_all_rights();
    if (result == 0) {
        /* Before there is anybody whom the target sees, and who would have all of these. */
        const int kept[] = {directory, entry->link};
        close_all_but(0, kept, 2);
        result = become_harmless_opener();
    }
    if (result < 0) {
        give_up(entry->link, result);
    }
}

__attribute__((noreturn)) static void open_lists(const struct opening *opening) {
    struct error ignored = {0};
    int pidfd = -1;
    int link = opening->entry.link;
    child_end_with_supervisor(&opening->entry);
    sys0(__NR_setsid);
    int directory = open_lists_alone();
    if (directory < 0 && errno != ENOENT) {
        give_up(link, -errno);
    }
    child_join_early(&opening->entry);
    send(link, IPC_SEM, openat(directory, files[IPC_SEM], O_RDONLY | O_CLOEXEC));
    send(link, IPC_MSG, openat(directory, files[IPC_MSG], O_RDONLY | O_CLOEXEC));
    send(link, IPC_QUEUES, mount_queues(&ignored));
    if (directory < 0) {
        sys_exit(0);
    }
    enter_to_open(opening, directory);
    long result = sys5(__NR_clone, CLONE_PIDFD | SIGCHLD, 0, &pidfd, 0, 0);
    if (result == 0) {
        open_inside(directory, link);
    }
    if (result < 0) {
        give_up(link, result);
    }
    await_inside(pidfd);
    sys_exit(0);
}

/**
 * Whoever may trace the one inside can say what it says: a list is a file of a /proc, and its number there that of our own. What a list of another pid namespace shows are segments that
 * somebody there has made: nothing but those of who has sent it.
 */
static bool is_list(int fd, enum ipc_list which) {
    struct statfs where;
    struct stat list;
    struct stat own;
    char path[32];
    format_text(path, sizeof path, "/proc/sysvipc/%s", files[which]);
    return fstatfs(fd, &where) == 0 && where.f_type == PROC_MAGIC && fstat(fd, &list) == 0 && stat(path, &own) == 0 && list.st_ino == own.st_ino;
}

/** Three of the four come from the opener itself, which nobody else sees. */
static bool is_credible(const struct arrival *arrival, pid_t opener) {
    enum ipc_list which = (enum ipc_list)arrival->message.value;
    return which == IPC_SHM ? is_list(arrival->fds[0], IPC_SHM) : arrival->sender == opener;
}

/** 0 or the errno that it has failed with. */
static int take_lists(struct ipc *ipc, int link, pid_t opener) {
    struct arrival arrival;
    int number = 0;
    for (int taken = 0; taken < MESSAGES_MAX && link_receive(link, &arrival) == 1; taken++) {
        int which = arrival.message.value;
        if (arrival.message.kind == MESSAGE_LIST && which >= 0 && which < IPC_LISTS && ipc->list[which] < 0 && arrival.fds[0] >= 0 && is_credible(&arrival, opener)) {
            ipc->list[which] = steal_fd(&arrival.fds[0]);
        } else if (arrival.message.kind == MESSAGE_FAILED) {
            number = which;
        }
        close_fd(&arrival.fds[0]);
        close_fd(&arrival.fds[1]);
    }
    return number;
}

/** Until it has ended; whoever looks after our children reaps it. */
static void await_child(struct run *run, int pidfd) {
    int64_t until = clock_ms() + LIMIT_MS;
    bool ended = false;
    while (!ended && run->reason == REASON_NONE && clock_ms() < until) {
        ended = pump(run, pidfd, until);
    }
    if (!ended) {
        sys4(__NR_pidfd_send_signal, pidfd, SIGKILL, 0, 0);
    }
}

static int open_all(struct run *run, struct ipc *ipc, struct error *err) {
    cleanup_close int ours = -1;
    cleanup_close int theirs = -1;
    cleanup_close int pidfd = -1;
    ipc->namespace = fcntl(run->target.namespaces.fd[NS_IPC], F_DUPFD_CLOEXEC, 3); /* The target's are let go before the end. */
    if (ipc->namespace < 0) {
        return fail(err, "internal", errno, "keep the target's IPC namespace");
    }
    if (link_make(&ours, &theirs, err) < 0) {
        return -1;
    }
    struct opening opening = {
        .entry = {.namespaces = &run->target.namespaces, .own = run->own, .link = theirs, .supervisor_links = {ours, -1}},
        .pid_namespace = run->tree.pid_namespace,
    };
    struct stat st;
    if (stat("/proc/self/ns/cgroup", &st) == 0) {
        opening.entry.own.inode[NS_CGROUP] = st.st_ino; /* view_enter may have left the one that we came with. */
    }
    long pid = sys5(__NR_clone, CLONE_PIDFD | SIGCHLD, 0, &pidfd, 0, 0);
    if (pid == 0) {
        open_lists(&opening);
    }
    if (pid < 0) {
        return fail(err, "internal", (int)-pid, "make a process");
    }
    await_child(run, pidfd);
    int number = take_lists(ipc, ours, (pid_t)pid);
    /* The one inside has not come to it: it may have been stopped. A kernel without System V IPC has none of these lists. */
    number = number == 0 && ipc->list[IPC_SHM] < 0 && ipc->list[IPC_SEM] >= 0 ? ETIMEDOUT : number;
    return number != 0 ? fail(err, "internal", number, "look into the target's IPC namespace") : 0;
}

/* --- what is on them */

static int read_list(int fd, char **text, struct span *span) {
    cleanup_free char *buffer = NULL;
    size_t room = 0;
    size_t done = 0;
    ssize_t got = lseek(fd, 0, SEEK_SET) < 0 ? -1 : 1;
    while (got > 0) {
        if (done == room) {
            room = room == 0 ? 4096 : room * 4;
            char *grown = room > LIST_MAX_BYTES ? NULL : realloc(buffer, room);
            if (grown == NULL) {
                return -ENOMEM;
            }
            buffer = grown;
        }
        got = read(fd, buffer + done, room - done);
        done += got > 0 ? (size_t)got : 0;
    }
    if (got < 0) {
        return -errno;
    }
    *text = buffer;
    buffer = NULL;
    *span = (struct span){*text, done};
    return 0;
}

/* key, id, permissions, size; and of shared memory who made it. */
enum { NUMBER_ID = 1, NUMBER_BYTES = 3, NUMBER_CREATOR = 4 };

/** The ids that are on a list; of shared memory those only that are ours. 0 or -errno. */
static int take_ids(const struct ipc *ipc, enum ipc_list which, struct ipc_ids *ids) {
    cleanup_free char *text = NULL;
    struct span rest = {NULL, 0};
    uint64_t numbers[NUMBER_CREATOR + 1] = {0};
    size_t needed = which == IPC_SHM ? NUMBER_CREATOR + 1 : NUMBER_BYTES + 1;
    *ids = (struct ipc_ids){0};
    int result = ipc->list[which] < 0 ? 0 : read_list(ipc->list[which], &text, &rest);
    if (result < 0 || ipc->list[which] < 0) {
        return result;
    }
    ids->item = malloc((rest.length / 8 + 1) * sizeof *ids->item); /* No line is as short as that. */
    while (ids->item != NULL && proc_next_numbers(&rest, numbers, needed)) {
        if (numbers[NUMBER_ID] <= INT32_MAX && (which != IPC_SHM || numbers[NUMBER_CREATOR] != 0)) {
            ids->item[ids->count++] = (int)numbers[NUMBER_ID];
            ids->bytes += numbers[NUMBER_BYTES];
        }
    }
    return ids->item == NULL ? -ENOMEM : 0;
}

/** False when there are too many, or they could not be read. */
static bool take_names(const struct ipc *ipc, struct ipc_names *names) {
    int copy = openat(ipc->list[IPC_QUEUES], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_dir DIR *directory = copy < 0 ? NULL : fdopendir(copy);
    names->length = 0;
    if (directory == NULL) {
        return false;
    }
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        size_t size = strlen(entry->d_name) + 1;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        if (size > sizeof names->text - names->length) {
            return false;
        }
        memcpy(names->text + names->length, entry->d_name, size);
        names->length += size;
    }
    return true;
}

static void free_ids(struct ipc_ids *ids) { free_pointer(&ids->item); }
#define cleanup_ids __attribute__((cleanup(free_ids)))

void ipc_remember(struct run *run) {
    struct ipc *ipc = &run->revert->ipc;
    struct error err = {0};
    char why[sizeof err.text + 64];
    if (open_all(run, ipc, &err) < 0) {
        error_message(&err, why, sizeof why);
        event_warn(&run->events, "ipc", "shared memory, semaphores and message queues that the workload leaves will not be found: %.512s", why);
        ipc_close(ipc);
        return;
    }
    for (enum ipc_list which = IPC_SEM; which <= IPC_MSG; which++) {
        if (take_ids(ipc, which, &ipc->before[which]) < 0 || ipc->before[which].count > IPC_MAX) {
            close_fd(&ipc->list[which]);
        }
    }
    if (ipc->list[IPC_QUEUES] >= 0 && !take_names(ipc, &ipc->queues)) {
        close_fd(&ipc->list[IPC_QUEUES]);
    }
}

/* --- what goes, and what is named */

struct removal {
    int namespace;
    bool join;
    const struct ipc_ids *ids;
};

static int remove_all(const void *argument) {
    const struct removal *removal = argument;
    if (removal->join && sys2(__NR_setns, removal->namespace, CLONE_NEWIPC) < 0) {
        return EXIT_OWN_FAILURE;
    }
    for (size_t i = 0; i < removal->ids->count; i++) {
        shmctl(removal->ids->item[i], IPC_RMID, NULL); /* What counts is what is there afterwards. */
    }
    return 0;
}

/** `1, 2 and 7 more`. */
static void write_ids(const struct ipc_ids *ids, char *out, size_t size) {
    size_t used = 0;
    for (size_t i = 0; i < ids->count && i < NAMED_MAX; i++) {
        used += format_text(out + used, size - used, "%s%d", i == 0 ? "" : ", ", ids->item[i]);
    }
    if (ids->count > NAMED_MAX) {
        format_text(out + used, size - used, " and %llu more", (unsigned long long)(ids->count - NAMED_MAX));
    }
}

static int remove_ours(struct run *run, struct error *err) {
    const struct ipc *ipc = &run->revert->ipc;
    cleanup_ids struct ipc_ids ours = {0};
    cleanup_ids struct ipc_ids left = {0};
    cleanup_outcome struct outcome outcome = {0};
    char ids[160] = "";
    int result = take_ids(ipc, IPC_SHM, &ours);
    if (result == 0 && ours.count > 0) {
        const struct removal removal = {ipc->namespace, run->target.namespaces.inode[NS_IPC] != run->own.inode[NS_IPC], &ours};
        const struct errand errand = {.work = remove_all, .argument = &removal, .limit_ms = ERRAND_LIMIT_MS, .leash = -1, .may_hang = true, .kept = &ipc->namespace, .kept_count = 1};
        if (errand_run(run, &errand, &outcome, err) < 0) {
            return -1;
        }
        result = take_ids(ipc, IPC_SHM, &left);
    }
    if (result < 0) {
        return fail(err, "undo", -result, "look for shared memory of the workload");
    }
    write_ids(&left, ids, sizeof ids);
    return left.count == 0 ? 0
                           : fail(err, "undo", 0, "shared memory that the workload has made, %llu bytes, is left in the target's IPC namespace, segment %s: a process of the target has attached it, and keeps it until it lets go",
                                  (unsigned long long)left.bytes, ids);
}

static bool holds_id(const struct ipc_ids *ids, int id) {
    for (size_t i = 0; i < ids->count; i++) {
        if (ids->item[i] == id) {
            return true;
        }
    }
    return false;
}

static bool holds_name(const struct ipc_names *names, const char *name) {
    for (size_t at = 0; at < names->length; at += strlen(names->text + at) + 1) {
        if (strcmp(names->text + at, name) == 0) {
            return true;
        }
    }
    return false;
}

/** Adds to a sentence. */
static void add_to(char *out, size_t size, const char *what, const char *which) {
    size_t used = strlen(out);
    format_text(out + used, size - used, "%s%s %s", used == 0 ? "" : "; ", what, which);
}

static void tell_ids(const struct ipc *ipc, enum ipc_list which, const char *what, char *out, size_t size) {
    cleanup_ids struct ipc_ids now = {0};
    struct ipc_ids fresh = {0};
    char text[160] = "";
    if (take_ids(ipc, which, &now) < 0 || now.count > IPC_MAX) {
        return;
    }
    fresh.item = now.item;
    for (size_t i = 0; i < now.count; i++) {
        if (!holds_id(&ipc->before[which], now.item[i])) {
            fresh.item[fresh.count++] = now.item[i];
        }
    }
    if (fresh.count > 0) {
        write_ids(&fresh, text, sizeof text);
        add_to(out, size, what, text);
    }
}

static void tell_queues(const struct ipc *ipc, char *out, size_t size) {
    struct ipc_names now;
    char text[NAMED_MAX * 72 + 32] = "";
    size_t count = 0;
    if (ipc->list[IPC_QUEUES] < 0 || !take_names(ipc, &now)) {
        return;
    }
    for (size_t at = 0; at < now.length; at += strlen(now.text + at) + 1) {
        if (!holds_name(&ipc->queues, now.text + at) && count++ < NAMED_MAX) {
            size_t used = strlen(text);
            format_text(text + used, sizeof text - used, "%s`/%.64s`", used == 0 ? "" : ", ", now.text + at);
        }
    }
    if (count > 0) {
        if (count > NAMED_MAX) {
            size_t used = strlen(text);
            format_text(text + used, sizeof text - used, " and %llu more", (unsigned long long)(count - NAMED_MAX));
        }
        add_to(out, size, "POSIX message queue", text);
    }
}

/** Nobody knows who has made them. */
static void tell_others(struct run *run) {
    const struct ipc *ipc = &run->revert->ipc;
    char found[960] = "";
    if (run->target.namespaces.inode[NS_IPC] == INITIAL_IPC_NAMESPACE) {
        return;
    }
    tell_ids(ipc, IPC_SEM, "semaphore set", found, sizeof found);
    tell_ids(ipc, IPC_MSG, "message queue", found, sizeof found);
    tell_queues(ipc, found, sizeof found);
    if (found[0] != '\0') {
        event_warn(&run->events, "left", "new in the target's IPC namespace, made by the workload or by the target itself, and so left: %s", found);
    }
}

int ipc_clear(struct run *run, struct error *err) {
    if (run->revert->ipc.namespace < 0) {
        return 0;
    }
    if (remove_ours(run, err) < 0) {
        return -1;
    }
    tell_others(run);
    run->reverted_ms = clock_ms();
    return 0;
}

void ipc_close(struct ipc *ipc) {
    close_fd(&ipc->namespace);
    for (size_t i = 0; i < IPC_LISTS; i++) {
        close_fd(&ipc->list[i]);
        free_ids(&ipc->before[i]);
    }
}
