#include "toolbox/tar.h"

#include <string.h>

/* Where in a header what stands, and how long it is: pax(1), "ustar Interchange Format". */
enum {
    MODE_AT = 100,
    SIZE_AT = 124,
    SUM_AT = 148,
    TYPE_AT = 156,
    MAGIC_AT = 257,
    PREFIX_AT = 345,
    MODE_DIGITS = 8,
    SIZE_DIGITS = 12,
    SUM_DIGITS = 8,
};

/** An octal number, ended by a blank or a zero byte. */
static bool octal(const uint8_t *at, size_t digits, uint64_t *value) {
    size_t i = 0;
    for (*value = 0; i < digits && at[i] >= '0' && at[i] <= '7'; i++) {
        *value = *value * 8 + (uint64_t)(at[i] - '0');
    }
    return i > 0 && i < digits && (at[i] == ' ' || at[i] == '\0');
}

static bool is_name_byte(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c != '\0' && strchr("._+/-", c) != NULL); }

/** Relative, and every component is one. */
static bool is_name(const char *name) {
    for (const char *at = name;; at++) {
        size_t length = strcspn(at, "/");
        bool dots = (length == 1 && at[0] == '.') || (length == 2 && at[0] == '.' && at[1] == '.');
        for (size_t i = 0; i < length; i++) {
            if (!is_name_byte(at[i])) {
                return false;
            }
        }
        if (length == 0 || dots) {
            return false;
        }
        at += length;
        if (*at == '\0') {
            return true;
        }
    }
}

/** Of all bytes of the header, those of the sum itself as blanks. */
static uint64_t sum_of(const uint8_t *header) {
    uint64_t sum = 0;
    for (size_t i = 0; i < TAR_BLOCK; i++) {
        sum += i >= SUM_AT && i < SUM_AT + SUM_DIGITS ? ' ' : header[i];
    }
    return sum;
}

static bool is_zero(const uint8_t *bytes, size_t length) {
    size_t i = 0;
    while (i < length && bytes[i] == 0) {
        i++;
    }
    return i == length;
}

/** The file has come; what fills its last block up does not count. */
static int end_file(struct tar *tar, struct error *err) {
    tar->in_file = false;
    return tar->reader.end(tar->reader.to, err);
}

static int take_header(struct tar *tar, struct error *err) {
    const uint8_t *header = tar->header;
    char name[TAR_NAME_MAX + 1] = "";
    uint64_t mode = 0;
    uint64_t size = 0;
    uint64_t sum = 0;
    if (is_zero(header, TAR_BLOCK)) {
        tar->zero_blocks++;
        return 0;
    }
    if (tar->zero_blocks > 0) {
        return fail(err, "tools", 0, "there is a file behind the end of its archive");
    }
    if (memcmp(header + MAGIC_AT, "ustar\0" "00", 8) != 0 || !octal(header + SUM_AT, SUM_DIGITS, &sum) || sum != sum_of(header)) {
        return fail(err, "tools", 0, "file %llu of its archive has no ustar header", (unsigned long long)tar->files + 1);
    }
    memcpy(name, header, TAR_NAME_MAX);
    if (header[TYPE_AT] != '0' || header[PREFIX_AT] != '\0' || !is_name(name)) {
        return fail(err, "tools", 0, "file %llu of its archive is no regular file, or has a name that is not taken", (unsigned long long)tar->files + 1);
    }
    if (!octal(header + MODE_AT, MODE_DIGITS, &mode) || (mode != 0755 && mode != 0644) || !octal(header + SIZE_AT, SIZE_DIGITS, &size)) {
        return fail(err, "tools", 0, "`%s` of its archive has a mode other than 0755 and 0644, or no size", name);
    }
    if (tar->files == TAR_FILES_MAX) {
        return fail(err, "tools", 0, "there are more than %d files in its archive", TAR_FILES_MAX);
    }
    tar->files++;
    tar->in_file = true;
    tar->left = size;
    tar->padding = (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK;
    return tar->reader.begin(tar->reader.to, name, (unsigned int)mode, err) < 0 || (size == 0 && end_file(tar, err) < 0) ? -1 : 0;
}

static size_t least(size_t length, uint64_t other) { return length < other ? length : (size_t)other; }

static int take_bytes(struct tar *tar, const uint8_t *bytes, size_t length, struct error *err) {
    if (tar->reader.add(tar->reader.to, bytes, length, err) < 0) {
        return -1;
    }
    tar->left -= length;
    return tar->left == 0 ? end_file(tar, err) : 0;
}

static int take_into_header(struct tar *tar, const uint8_t *bytes, size_t length, struct error *err) {
    memcpy(tar->header + tar->filled, bytes, length);
    tar->filled = (tar->filled + length) % TAR_BLOCK;
    return tar->filled == 0 ? take_header(tar, err) : 0;
}

int tar_take(struct tar *tar, const uint8_t *bytes, size_t length, struct error *err) {
    int result = 0;
    while (length > 0 && result == 0) {
        size_t taken = 0;
        if (tar->in_file) {
            taken = least(length, tar->left);
            result = take_bytes(tar, bytes, taken, err);
        } else if (tar->padding > 0) {
            taken = least(length, tar->padding);
            tar->padding -= taken;
        } else {
            taken = least(length, TAR_BLOCK - tar->filled);
            result = take_into_header(tar, bytes, taken, err);
        }
        bytes += taken;
        length -= taken;
    }
    return result;
}

int tar_end(const struct tar *tar, struct error *err) {
    bool whole = !tar->in_file && tar->padding == 0 && tar->filled == 0 && tar->zero_blocks >= 2;
    return whole ? 0 : fail(err, "tools", 0, "its archive ends early");
}
