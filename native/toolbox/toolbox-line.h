#ifndef NSEXEC_TOOLBOX_LINE_H
#define NSEXEC_TOOLBOX_LINE_H

#include "toolbox/sha256.h"

/* What README says of the lines by which a toolbox comes. A chunk is what fits into a line of 16 KiB. */
enum { TOOLBOX_NAME_MAX = 32, TOOLBOX_CHUNK_MAX = 12 << 10 };
#define TOOLBOX_BYTES_MAX ((uint64_t)64 << 20)
#define TOOLBOX_UNPACKED_MAX ((uint64_t)256 << 20)

/** `tools NAME BYTES SHA256 UNPACKED`: what is going to come. */
struct toolbox_promise {
    char name[TOOLBOX_NAME_MAX + 1];
    uint64_t bytes;    /**< of the gzip file */
    uint64_t unpacked; /**< of the archive in it */
    uint8_t sha256[SHA256_BYTES]; /**< of the gzip file */
};

/** `chunk OFFSET BASE64`: a piece of it. */
struct toolbox_chunk {
    uint64_t offset;
    size_t length; /**< at least 1 */
    uint8_t bytes[TOOLBOX_CHUNK_MAX];
};

/** Which of the two a line is, well-formed or not. */
enum toolbox_line { TOOLBOX_LINE_NONE, TOOLBOX_LINE_TOOLS, TOOLBOX_LINE_CHUNK };
enum toolbox_line toolbox_line_of(const char *text, size_t length);

/** NULL, or why the line is not taken. */
const char *toolbox_read_promise(const char *text, size_t length, struct toolbox_promise *promise);
const char *toolbox_read_chunk(const char *text, size_t length, struct toolbox_chunk *chunk);

#endif
