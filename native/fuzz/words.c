#include "base/words.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The same, told from the whole line: field by field, each into memory of its own. */
struct field {
    uint8_t *bytes;
    size_t length;
};

static int hexadecimal(uint8_t c) {
    static const char all[] = "0123456789ABCDEF";
    const char *at = c == '\0' ? NULL : strchr(all, c);
    return at == NULL ? -1 : (int)(at - all);
}

static bool decode_field(const uint8_t *at, size_t length, struct field *field) {
    field->bytes = malloc(length + 1);
    field->length = 0;
    for (size_t i = 0; i < length; i++) {
        if (at[i] == '%') {
            if (i + 2 >= length || hexadecimal(at[i + 1]) < 0 || hexadecimal(at[i + 2]) < 0) {
                return false;
            }
            field->bytes[field->length++] = (uint8_t)(16 * hexadecimal(at[i + 1]) + hexadecimal(at[i + 2]));
            i += 2;
        } else if (at[i] <= 0x20 || at[i] >= 0x7f || at[i] == '<') {
            return false;
        } else {
            field->bytes[field->length++] = at[i];
        }
    }
    return true;
}

/** Whether this line keeps to the contract; if so, whether `words` says what is in it. */
static bool check(const uint8_t *data, size_t size, bool taken, const struct words *words) {
    size_t count = 0;
    size_t begin = 0;
    for (;;) {
        const uint8_t *blank = begin > size ? NULL : memchr(data + begin, ' ', size - begin);
        size_t end = blank == NULL ? size : (size_t)(blank - data);
        bool input = end > begin && data[begin] == '<';
        struct field field;
        bool good = decode_field(data + begin + (input ? 1 : 0), end - begin - (input ? 1 : 0), &field);
        good = good && (input ? end == size && count > 0 : field.length > 0 && count < WORDS_MAX && memchr(field.bytes, 0, field.length) == NULL);
        if (good && taken && input) {
            assert(words->input != NULL && words->input_length == field.length && memcmp(words->input, field.bytes, field.length) == 0);
        } else if (good && taken) {
            assert(count < words->count && strlen(words->item[count]) == field.length && memcmp(words->item[count], field.bytes, field.length) == 0);
        }
        free(field.bytes);
        if (!good) {
            return false;
        }
        count += input ? 0 : 1;
        if (end == size) {
            assert(!taken || (words->count == count && words->item[count] == NULL && (input || words->input == NULL)));
            return true;
        }
        begin = end + 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct words words;
    char *line = malloc(size + 1);
    if (size > 0) {
        memcpy(line, data, size);
    }
    line[size] = '\0';
    bool taken = words_parse(&words, line, size);
    assert(check(data, size, taken, &words) == taken);
    free(line);
    return 0;
}
