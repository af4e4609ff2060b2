#include "target/credentials.h"

#include <errno.h>
#include <stdlib.h>

/** The numbers of a status file's Groups line; false when there are more than the kernel allows. */
static bool parse_groups(struct span text, uint32_t *groups, uint32_t *count) {
    struct span word;
    *count = 0;
    while (span_cut(&text, ' ', &word)) {
        uint64_t group = 0;
        if (word.length == 0) {
            continue;
        }
        if (*count == GROUPS_MAX || !span_number(word, &group) || group > UINT32_MAX) {
            return false;
        }
        if (groups != NULL) {
            groups[*count] = (uint32_t)group;
        }
        (*count)++;
    }
    return true;
}

static void take_targets(struct last_steps *steps, const struct status *status) {
    for (int i = 0; i < 3; i++) {
        steps->uid[i] = status->uid[i];
        steps->gid[i] = status->gid[i];
    }
    steps->inheritable = status->inheritable;
    steps->permitted = status->permitted;
    steps->effective = status->effective;
    steps->bounding = status->bounding;
    steps->ambient = status->ambient;
}

/** Root as the target could have it, by a program with a set-user-id bit: the bounding set is the most that it can ever get. capabilities(7) */
static void take_root(struct last_steps *steps, const struct target *target, uint64_t available) {
    uint64_t most = target->status.bounding & available;
    for (int i = 0; i < 3; i++) {
        steps->uid[i] = target->root_uid;
        steps->gid[i] = target->root_gid;
    }
    steps->permitted = most;
    steps->effective = most;
    steps->bounding = most;
}

struct last_steps *credentials_decide(const struct target *target, const struct credentials_choice *choice, uint64_t *lost, struct error *err) {
    uint32_t count = 0;
    if (!choice->as_root && !parse_groups(target->status.groups, NULL, &count)) {
        fail(err, "credentials", 0, "cannot make sense of the target's supplementary groups");
        return NULL;
    }
    if (choice->as_root && !target->has_root_ids) {
        fail(err, "credentials", 0, "--as root: uid and gid 0 are not mapped in the target's user namespace");
        return NULL;
    }
    size_t size = sizeof(struct last_steps) + count * sizeof(uint32_t);
    struct last_steps *steps = calloc(1, size);
    if (steps == NULL) {
        fail(err, "internal", ENOMEM, "remember the target's credentials");
        return NULL;
    }
    steps->size = (uint32_t)size;
    steps->last_cap = choice->last_cap;
    steps->no_new_privs = target->status.no_new_privs;
    uint64_t all = choice->last_cap >= 63 ? UINT64_MAX : (UINT64_C(1) << (choice->last_cap + 1)) - 1;
    uint64_t available = choice->own_user ? all : choice->available;
    if (choice->as_root) {
        take_root(steps, target, all & available);
        return steps;
    }
    take_targets(steps, &target->status);
    (void)parse_groups(target->status.groups, steps->groups, &steps->group_count);
    *lost = (steps->permitted | steps->bounding) & all & ~available;
    steps->inheritable &= available;
    steps->permitted &= available;
    steps->effective &= available;
    steps->bounding &= available;
    steps->ambient &= available;
    uint32_t root = target->has_root_ids ? target->root_uid : 0;
    bool is_root = steps->uid[0] == root || steps->uid[1] == root;
    if (choice->executed_last && is_root) {
        /*
         * execve gives root (inheritable | bounding) anew: a target that has laid capabilities down would be outdone by a static program, which is executed after it
         * has become the target. capabilities(7)
         */
        steps->inheritable &= steps->permitted;
        steps->bounding &= steps->permitted;
    }
    return steps;
}

static int differs(struct error *err, const char *what, uint64_t found, uint64_t wanted) {
    return fail(err, "readback", 0, "the workload's %s is %llx (hexadecimal), not %llx as it must be", what, (unsigned long long)found, (unsigned long long)wanted);
}

int credentials_compare(const struct last_steps *wanted, const struct status *found, struct error *err) {
    static const char *const kinds[] = {"real", "effective", "saved"};
    for (int i = 0; i < 3; i++) {
        if (found->uid[i] != wanted->uid[i] || found->gid[i] != wanted->gid[i]) {
            return fail(err, "readback", 0, "the workload's %s uid and gid are %u and %u, not %u and %u", kinds[i], found->uid[i], found->gid[i], wanted->uid[i], wanted->gid[i]);
        }
    }
    const struct {
        const char *name;
        uint64_t found, wanted;
    } sets[] = {
        {"inheritable capability set", found->inheritable, wanted->inheritable}, {"permitted capability set", found->permitted, wanted->permitted},
        {"effective capability set", found->effective, wanted->effective},       {"bounding capability set", found->bounding, wanted->bounding},
        {"ambient capability set", found->ambient, wanted->ambient},             {"no_new_privs", found->no_new_privs, wanted->no_new_privs},
    };
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        if (sets[i].found != sets[i].wanted) {
            return differs(err, sets[i].name, sets[i].found, sets[i].wanted);
        }
    }
    uint32_t count = 0;
    if (!parse_groups(found->groups, NULL, &count) || count != wanted->group_count) {
        return fail(err, "readback", 0, "the workload has %u supplementary groups, not %u", count, wanted->group_count);
    }
    struct span rest = found->groups;
    struct span word;
    for (uint32_t i = 0; span_cut(&rest, ' ', &word);) {
        uint64_t group = 0;
        if (word.length == 0) {
            continue;
        }
        /* Both come from the kernel, which keeps them sorted. */
        if (!span_number(word, &group) || group != wanted->groups[i++]) {
            return fail(err, "readback", 0, "the workload's supplementary groups are not the target's");
        }
    }
    return 0;
}
