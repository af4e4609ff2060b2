#ifndef NSEXEC_UNDO_WORDS_H
#define NSEXEC_UNDO_WORDS_H

#include "base/span.h"
#include "undo/lease.h"
#include "undo/undo.h"

/* What is undone, in the words of stdin and of records (README). All of it is pure. */

/** Adds what the words behind `undo` say. False when they say nothing of the contract, or there are too many. */
bool undo_add(struct undo_list *list, const struct words *words);

/** The words `setting FILE DEVICE VALUE…`: their file, device and value, as the kernel writes them. False when they say nothing of the contract. */
bool setting_parse(const struct words *words, struct undo *setting);
/** Whether this is the file of cgroup v2, which has a device's limits in one line. */
bool setting_is_v2(const char *file);

/* A path takes three bytes for each of its own at most. */
enum { RECORD_MAX_BYTES = 3 * 4096 + 8192 };
/** The words for who is at work, and for the directories, settings, freezes and stopped processes of the list, a line each. False when there are too many. */
bool record_write(const struct undo_list *list, const struct lease *leases, size_t count, char out[RECORD_MAX_BYTES]);
/** Reads one of the first lines of that, `lease PID START_TICKS PID_NAMESPACE`. False when it is none. */
bool lease_read(struct span line, struct lease *lease);
/** Reads one of the other lines, as a stranger's, and decodes it in place: a directory's `path` points into it. False when it says nothing of the contract. */
bool record_read(char *line, size_t length, struct undo *undo);

#endif
