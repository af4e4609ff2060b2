#include "toolbox/tar.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What has come of an archive: as many bytes as it has, and a sum of them and of their files' names. */
struct seen {
    bool open;
    size_t files, bytes;
    uint32_t sum;
};

static void add(struct seen *seen, const uint8_t *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) {
        seen->sum = (seen->sum ^ bytes[i]) * 16777619;
    }
}

static int begin_file(void *to, const char *name, unsigned int mode, struct error *err) {
    static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+/-";
    struct seen *seen = to;
    (void)err;
    assert(!seen->open && (mode == 0755 || mode == 0644));
    size_t length = strlen(name);
    assert(length > 0 && length <= TAR_NAME_MAX && strspn(name, good) == length);
    assert(name[0] != '/' && name[length - 1] != '/' && strstr(name, "//") == NULL);
    char slashed[TAR_NAME_MAX + 3] = "/";
    strcat(strcat(slashed, name), "/");
    assert(strstr(slashed, "/./") == NULL && strstr(slashed, "/../") == NULL);
    seen->open = true;
    seen->files++;
    add(seen, (const uint8_t *)name, length);
    return 0;
}

static int add_to_file(void *to, const uint8_t *bytes, size_t length, struct error *err) {
    struct seen *seen = to;
    (void)err;
    assert(seen->open && length > 0);
    seen->bytes += length;
    add(seen, bytes, length);
    return 0;
}

static int end_file(void *to, struct error *err) {
    struct seen *seen = to;
    (void)err;
    assert(seen->open);
    seen->open = false;
    return 0;
}

/* In pieces of so many bytes. Whether it was taken, as a whole. */
static bool read_all(const uint8_t *data, size_t size, size_t piece, struct seen *seen) {
    struct tar tar = {.reader = {begin_file, add_to_file, end_file, seen}};
    struct error err = {0};
    for (size_t at = 0; at < size; at += piece) {
        if (tar_take(&tar, data + at, size - at < piece ? size - at : piece, &err) < 0) {
            assert(err.text[0] != '\0');
            return false;
        }
    }
    return tar_end(&tar, &err) == 0;
}

/* The sum of a header is hard to guess: it is put right, where the first byte is odd. */
static void put_sums_right(uint8_t *bytes, size_t size) {
    for (size_t at = 0; at + TAR_BLOCK <= size; at += TAR_BLOCK) {
        if (memcmp(bytes + at + 257, "ustar", 5) != 0) {
            continue;
        }
        unsigned int sum = 0;
        memset(bytes + at + 148, ' ', 8);
        for (size_t i = 0; i < TAR_BLOCK; i++) {
            sum += bytes[at + i];
        }
        for (size_t i = 0; i < 6; i++) {
            bytes[at + 148 + 5 - i] = (uint8_t)('0' + (sum >> 3 * i & 7));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) {
        return 0;
    }
    static uint8_t bytes[1 << 16];
    size_t length = size - 2 < sizeof bytes ? size - 2 : sizeof bytes;
    memcpy(bytes, data + 2, length);
    if (data[0] % 2 == 1) {
        put_sums_right(bytes, length);
    }
    struct seen at_once = {0};
    struct seen in_pieces = {0};
    bool taken = read_all(bytes, length, length + 1, &at_once);
    assert(read_all(bytes, length, 1 + data[1], &in_pieces) == taken);
    assert(!taken || !at_once.open);
    assert(at_once.files == in_pieces.files && at_once.bytes == in_pieces.bytes && at_once.sum == in_pieces.sum);
    assert(at_once.bytes <= length && at_once.files <= length / TAR_BLOCK);
    return 0;
}
