/* The settings of `hold`: limits on the target's cgroup, put there and given back. */
#include "hold/hold.h"

#include "undo/setting.h"

#include <errno.h>
#include <string.h>

static int no_hierarchy(const struct undo *setting, struct error *err) {
    return fail(err, "cgroup", 0, "the target is in no cgroup hierarchy that has `%s`, or it is mounted nowhere on this node any more", setting->name);
}

static int not_read(const struct undo *setting, const struct hierarchy *hierarchy, int number, struct error *err) {
    if (number == ENOENT) {
        return fail(err, "cgroup", 0, "the target's cgroup `%s` has no `%s`: its controller is not enabled there", hierarchy->path, setting->name);
    }
    return fail(err, "cgroup", number, "read `%s` of the target's cgroup `%s`", setting->name, hierarchy->path);
}

/** What the setting takes the place of. */
static int remember(struct run *run, struct undo *setting, struct error *err) {
    const struct hierarchy *hierarchy = setting_hierarchy(&run->hierarchies, setting->name);
    if (hierarchy == NULL) {
        return no_hierarchy(setting, err);
    }
    setting->cgroup = hierarchy->directory;
    struct undo former = *setting;
    memcpy(former.wanted, setting->value, sizeof former.wanted);
    int result = setting_read(setting, former.value);
    if (result < 0) {
        return not_read(setting, hierarchy, -result, err);
    }
    return undo_push(&run->revert->undo, &former) ? 0 : fail(err, "orders", 0, "more than %d things to undo", UNDO_MAX);
}

int hold_remember_settings(struct run *run, struct error *err) {
    struct hold *hold = run->hold;
    for (size_t i = 0; i < hold->setting_count; i++) {
        if (remember(run, &hold->settings[i], err) < 0) {
            return -1;
        }
    }
    return hold->setting_count == 0 ? 0 : revert_claim(run, "throttle", -1, err);
}

/** What takes this one of the settings back. */
static struct undo *undo_of(struct run *run, size_t setting) {
    struct undo_list *list = &run->revert->undo;
    size_t at = 0;
    while (list->item[at].kind != UNDO_SETTING || setting-- > 0) {
        at++;
    }
    return &list->item[at];
}

static int write_one(const struct undo *setting, struct undo *undo, struct error *err) {
    char value[UNDO_VALUE_BYTES];
    int result = setting_write(setting);
    if (result == -ENODEV) {
        return fail(err, "apply", ENODEV, "write `%s %s` into `%s`: the kernel limits whole disks, not partitions", setting->device, setting->value, setting->name);
    }
    if (result < 0) {
        return fail(err, "apply", -result, "write `%s %s` into `%s`", setting->device, setting->value, setting->name);
    }
    result = setting_read(setting, value);
    if (result < 0 || !setting_holds(value, setting->value)) {
        memcpy(undo->wanted, value, sizeof undo->wanted); /* The kernel has made something else of it: that is what is to be taken back. */
        return fail(err, "apply", result < 0 ? -result : 0, "`%s` says `%s` of %s after `%s` was written", setting->name, value, setting->device, setting->value);
    }
    return 0;
}

int hold_write_settings(struct run *run, struct error *err) {
    for (size_t i = 0; i < run->hold->setting_count; i++) {
        if (write_one(&run->hold->settings[i], undo_of(run, i), err) < 0) {
            return -1;
        }
    }
    return 0;
}

/** Once for each: what has been said is not said again. */
static void tell_overwritten(struct run *run, size_t at, const char *value) {
    const struct undo *setting = &run->revert->undo.item[at];
    if ((run->hold->overwritten >> at & 1) != 0) {
        return;
    }
    run->hold->overwritten |= UINT64_C(1) << at;
    event_warn(&run->events, "setting", "`%s` of the target's cgroup says `%s` of device %s now and not `%s`: somebody else, systemd perhaps, has written it, and it is left so%s", setting->name, value,
               setting->device, setting->wanted, setting_holds(value, setting->value) ? "; it is what stood there before" : "");
}

void hold_check_settings(struct run *run) {
    const struct undo_list *undo = &run->revert->undo;
    char value[UNDO_VALUE_BYTES];
    for (size_t i = 0; i < undo->count; i++) {
        if (undo->item[i].kind == UNDO_SETTING && setting_overwritten(&undo->item[i], value)) {
            tell_overwritten(run, i, value);
            run_end(run, REASON_OVERWRITTEN);
        }
    }
}
