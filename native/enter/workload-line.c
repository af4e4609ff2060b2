#include "enter/workload-line.h"

#include "base/cleanup.h"

#include <stdlib.h>
#include <string.h>

static const char verb[] = "workload";

bool workload_line_is(const char *text, size_t length) {
    size_t own = sizeof verb - 1;
    return length >= own && memcmp(text, verb, own) == 0 && (length == own || text[own] == ' ');
}

const char *workload_line_take(struct workload_line *workload, const char *program, const char *text, size_t length) {
    workload_line_free(workload);
    workload->spoiled = true;
    workload->line = malloc(length + 1);
    if (workload->line == NULL) {
        return "memory is out";
    }
    memcpy(workload->line, text, length);
    workload->line[length] = '\0';
    if (!words_parse(&workload->words, workload->line, length) || workload->words.input != NULL) {
        return "its words are not encoded as README says, or are too many";
    }
    if (workload->words.count < 2 || strcmp(workload->words.item[1], program) != 0) {
        return "it names another program than the command line";
    }
    workload->spoiled = false;
    return NULL;
}

char **workload_line_argv(struct workload_line *workload) { return workload->line == NULL || workload->spoiled ? NULL : workload->words.item + 1; }

void workload_line_free(struct workload_line *workload) {
    free_pointer(&workload->line);
    *workload = (struct workload_line){0};
}
