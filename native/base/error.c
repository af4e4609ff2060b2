#include "base/error.h"

#include "base/format.h"

#include <stdarg.h>
#include <string.h>

int fail(struct error *err, const char *code, int number, const char *format, ...) {
    err->code = code;
    err->number = number;
    err->exit_code = EXIT_OWN_FAILURE;
    va_list arguments;
    va_start(arguments, format);
    format_arguments(err->text, sizeof err->text, format, arguments);
    va_end(arguments);
    return -1;
}

int wrap(struct error *err, const char *format, ...) {
    char inner[sizeof err->text];
    memcpy(inner, err->text, sizeof inner);
    va_list arguments;
    va_start(arguments, format);
    size_t used = format_arguments(err->text, sizeof err->text, format, arguments);
    va_end(arguments);
    if (used + 3 < sizeof err->text) {
        memcpy(err->text + used, ": ", 3);
        size_t room = sizeof err->text - used - 3;
        size_t length = strnlen(inner, room);
        memcpy(err->text + used + 2, inner, length);
        err->text[used + 2 + length] = '\0';
    }
    return -1;
}

void error_message(const struct error *err, char *out, unsigned long size) {
    if (err->number != 0) {
        format_text(out, size, "%s: %s", err->text, strerror(err->number));
    } else {
        format_text(out, size, "%s", err->text);
    }
}
