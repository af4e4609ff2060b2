#include "undo/undo-words.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct undo *undo) {
    assert(undo->kind == UNDO_DIRECTORY || undo->kind == UNDO_SETTING || undo->kind == UNDO_FREEZE || undo->kind == UNDO_STOPPED);
    assert(undo->kind != UNDO_STOPPED || (undo->pid > 0 && undo->stopped == NULL));
    assert(memchr(undo->name, '\0', sizeof undo->name) != NULL && (undo->kind == UNDO_DIRECTORY ? undo->at == -1 && undo->directory == -1 : undo->cgroup == -1));
    if (undo->kind == UNDO_DIRECTORY) {
        assert(undo->path[0] == '/' && strchr(undo->name, '/') == NULL && strncmp(undo->name, ".kubectl-chaos-", 15) == 0);
    } else if (undo->kind == UNDO_SETTING) {
        assert(strspn(undo->device, "0123456789:") == strlen(undo->device) && undo->value[0] != '\0' && strchr(undo->value, '\n') == NULL);
        assert(undo->wanted[0] != '\0' && strchr(undo->wanted, '\n') == NULL);
        assert(strcmp(undo->name, "io.max") == 0 || strncmp(undo->name, "blkio.throttle.", 15) == 0);
    }
}

/** What was read, written and read again is the same; a path can be longer here than any that there is. */
static void check_again(const struct undo *undo) {
    static char text[RECORD_MAX_BYTES];
    struct undo_list list = {.count = 0};
    struct undo again;
    assert(undo_push(&list, undo));
    if (!record_write(&list, NULL, 0, text)) {
        return;
    }
    size_t length = strlen(text);
    assert(length > 0 && text[length - 1] == '\n');
    text[length - 1] = '\0';
    assert(record_read(text, length - 1, &again));
    assert(again.kind == undo->kind && again.inode == undo->inode && again.pid == undo->pid && again.start_ticks == undo->start_ticks && strcmp(again.name, undo->name) == 0 && strcmp(again.device, undo->device) == 0 && strcmp(again.value, undo->value) == 0 &&
           strcmp(again.wanted, undo->wanted) == 0);
    assert(undo->kind != UNDO_DIRECTORY || strcmp(again.path, undo->path) == 0);
}

static void check_lease(const struct lease *lease) {
    static char text[RECORD_MAX_BYTES];
    const struct undo_list none = {.count = 0};
    struct lease again;
    assert(lease->pid > 0 && lease->pid_namespace != 0);
    assert(record_write(&none, lease, 1, text));
    size_t length = strlen(text);
    assert(length > 0 && text[length - 1] == '\n' && lease_read((struct span){text, length - 1}, &again));
    assert(again.pid == lease->pid && again.start_ticks == lease->start_ticks && again.pid_namespace == lease->pid_namespace);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *line = malloc(size + 1);
    struct undo undo;
    struct lease lease;
    if (size > 0) {
        memcpy(line, data, size);
    }
    line[size] = '\0';
    if (lease_read((struct span){line, size}, &lease)) {
        check_lease(&lease);
    }
    if (record_read(line, size, &undo)) {
        check(&undo);
        check_again(&undo);
    }
    free(line);
    return 0;
}
