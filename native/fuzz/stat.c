#include "proc/proc.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct span text = {(const char *)data, size};
    struct stat_line line;
    if (proc_parse_stat(text, &line)) {
        assert(line.comm.at > text.at && line.comm.at + line.comm.length < text.at + text.length);
        assert(line.comm.at[-1] == '(' && line.comm.at[line.comm.length] == ')');
    }
    struct disk_counts counts;
    if (proc_parse_disk_counts(text, &counts)) {
        assert(counts.read_bytes >= 0 && counts.write_bytes >= 0 && counts.read_ops >= 0 && counts.write_ops >= 0);
    }
    return 0;
}
