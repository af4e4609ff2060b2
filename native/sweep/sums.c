#include "sweep/sums.h"

#include "base/clock.h"

void residue_begin(struct json *line, uint64_t inode, pid_t pid, const char *cgroup) {
    event_begin(line, "residue");
    if (inode != 0) {
        json_unsigned(line, "netns", inode);
    }
    json_number(line, "pid", pid);
    json_string(line, "cgroup", cgroup == NULL ? "" : cgroup);
}

void residue_end(struct run *run, struct json *line, bool in_use, bool removed) {
    json_bool(line, "in_use", in_use);
    json_bool(line, "removed", removed);
    event_emit(&run->events, line, WEIGHT_LIFE);
}

void sums_add_unseen(struct sums *sums, uint64_t inode, pid_t pid) {
    if (sums->unseen_count < UNSEEN_NAMED_MAX) {
        sums->unseen[sums->unseen_count] = (struct unseen){inode, pid};
    }
    sums->unseen_count++;
}

void sums_add(struct sums *sums, bool in_use, bool removed) {
    sums->found++;
    sums->in_use += in_use;
    sums->removed += removed;
    sums->left += !in_use && !removed;
}

void sums_report(struct run *run, const struct sums *sums, size_t namespaces, int64_t since) {
    struct json line = {0};
    event_begin(&line, "swept");
    json_unsigned(&line, "namespaces", namespaces);
    json_number(&line, "found", sums->found);
    json_number(&line, "in_use", sums->in_use);
    json_number(&line, "removed", sums->removed);
    json_number(&line, "left", sums->left);
    json_unsigned(&line, "unseen", sums->unseen_count);
    json_open(&line, "unseen_of", '[');
    for (size_t i = 0; i < sums->unseen_count && i < UNSEEN_NAMED_MAX; i++) {
        json_open(&line, NULL, '{');
        if (sums->unseen[i].inode != 0) {
            json_unsigned(&line, "netns", sums->unseen[i].inode);
        }
        json_number(&line, "pid", sums->unseen[i].pid);
        json_close(&line, '}');
    }
    json_close(&line, ']');
    json_number(&line, "elapsed_ms", clock_ms() - since);
    event_emit_last(&run->events, &line);
}
