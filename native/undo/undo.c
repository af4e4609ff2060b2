#include "undo/undo.h"

#include "base/cleanup.h"
#include "base/format.h"
#include "undo/directory.h"
#include "undo/freeze.h"
#include "undo/netlink.h"
#include "undo/record.h"
#include "undo/setting.h"
#include "undo/stopped.h"
#include "undo/undo-network.h"

#include <linux/rtnetlink.h>
#include <string.h>

static bool is_of_network(const struct undo *undo) { return undo->kind < UNDO_DIRECTORY; }

size_t undo_descriptors(struct undo *undo, int *fds[UNDO_FDS]) {
    if (is_of_network(undo)) {
        return 0;
    }
    if (undo->kind != UNDO_DIRECTORY) {
        fds[0] = &undo->cgroup;
        return 1;
    }
    fds[0] = &undo->at;
    fds[1] = &undo->directory;
    return 2;
}

bool undo_needs_network(const struct undo_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        if (is_of_network(&list->item[i])) {
            return true;
        }
    }
    return false;
}

void undo_describe(const struct undo *undo, char *out, size_t size) {
    switch (undo->kind) {
    case UNDO_QDISC:
        format_text(out, size, "root qdisc %llx: of `%s`", (unsigned long long)(undo->handle >> 16), undo->name);
        return;
    case UNDO_INGRESS:
        format_text(out, size, "ingress qdisc of `%s`", undo->name);
        return;
    case UNDO_LINK:
        format_text(out, size, "link `%s`", undo->name);
        return;
    case UNDO_TABLE:
        format_text(out, size, "nftables table inet `%s`", undo->name);
        return;
    case UNDO_QUEUE:
        format_text(out, size, "queue of `%s`, which is not %d packets long,", undo->name, (int)undo->queue_length);
        return;
    case UNDO_DIRECTORY:
        format_text(out, size, "directory `%.240s/%s`", strcmp(undo->path, "/") == 0 ? "" : undo->path, undo->name);
        return;
    case UNDO_SETTING:
        format_text(out, size, "limit `%s` of device %s, which was `%s`,", undo->name, undo->device, undo->value);
        return;
    case UNDO_FREEZE:
        format_text(out, size, "freeze of the target's cgroup");
        return;
    case UNDO_STOPPED:
        format_text(out, size, "stop of processes of the target");
        return;
    case UNDO_RECORD:
        format_text(out, size, "record `%s` on the target's cgroup", undo->name);
        return;
    }
}

static int present(int route, const struct undo_list *list, const struct undo *undo, bool anyone) {
    switch (undo->kind) {
    case UNDO_DIRECTORY:
        return directory_present(undo);
    case UNDO_SETTING:
        return setting_present(undo);
    case UNDO_FREEZE:
        return freeze_present(undo);
    case UNDO_STOPPED:
        return stopped_present(undo);
    case UNDO_RECORD:
        return record_present(undo);
    default:
        return anyone ? network_occupied(route, list, undo) : network_present(route, list, undo);
    }
}

static int open_route(const struct undo_list *list, int *route, struct error *err) {
    *route = undo_needs_network(list) ? netlink_open(NETLINK_ROUTE) : -1;
    return *route < 0 && undo_needs_network(list) ? fail(err, "internal", -*route, "open a netlink socket") : 0;
}

static int look_for(const struct undo_list *list, bool anyone, char *first, size_t size, struct error *err) {
    cleanup_close int route = -1;
    int found = 0;
    char what[UNDO_TEXT_BYTES] = "";
    if (open_route(list, &route, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < list->count; i++) {
        int result = present(route, list, &list->item[i], anyone);
        if (result == 0) {
            continue;
        }
        undo_describe(&list->item[i], what, sizeof what);
        if (result < 0) {
            return fail(err, "internal", -result, "look for the %s", what);
        }
        if (found++ == 0 && first != NULL) {
            format_text(first, size, "%s", what);
        }
    }
    return found;
}

int undo_present(const struct undo_list *list, char *first, size_t size, struct error *err) { return look_for(list, false, first, size, err); }

int undo_occupied(const struct undo_list *list, char *first, size_t size, struct error *err) { return look_for(list, true, first, size, err); }

static int take_back(int route, const struct undo_list *list, const struct undo *undo, bool sees_pids) {
    switch (undo->kind) {
    case UNDO_DIRECTORY:
        return directory_remove(undo);
    case UNDO_SETTING:
        return setting_restore(undo);
    case UNDO_FREEZE:
        return freeze_restore(undo);
    case UNDO_STOPPED:
        return sees_pids ? stopped_continue(undo) : stopped_present(undo) == 0 ? 0 : -EPERM;
    case UNDO_RECORD:
        return record_remove(undo);
    default:
        return network_take_back(route, list, undo);
    }
}

int undo_run(const struct undo_list *list, bool sees_pids, struct error *err) {
    cleanup_close int route = -1;
    int status = 0;
    if (open_route(list, &route, err) < 0) {
        return -1;
    }
    /* All of it, whatever one of them says; but the record is how what is left is found. */
    for (size_t i = 0; i < list->count; i++) {
        const struct undo *undo = &list->item[i];
        int result = undo->kind == UNDO_RECORD && status < 0 ? 0 : take_back(route, list, undo, sees_pids);
        if (result < 0) {
            char what[UNDO_TEXT_BYTES];
            const char *why = undo->kind == UNDO_DIRECTORY ? directory_why(-result) : NULL;
            undo_describe(undo, what, sizeof what);
            status = why != NULL ? fail(err, "undo", 0, "remove the %s: %s", what, why) : fail(err, "undo", -result, "%s the %s", undo->kind == UNDO_DIRECTORY ? "remove" : "take back", what);
        }
    }
    return status;
}

const char *undo_unknown(const struct undo_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        if (list->item[i].kind == UNDO_DIRECTORY) {
            return "unknown: the directory that the workload worked in may be left in the target";
        }
        if (list->item[i].kind == UNDO_SETTING) {
            return "unknown: the limits may be left on the target's cgroup";
        }
        if (list->item[i].kind == UNDO_FREEZE || list->item[i].kind == UNDO_STOPPED) {
            return "unknown: the target, or a part of it, may be paused still";
        }
    }
    return "unknown: something of the fault may be left in the target's network namespace";
}
