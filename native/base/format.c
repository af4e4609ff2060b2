#include "base/format.h"

#include <stdint.h>
#include <string.h>

struct output {
    char *at;
    size_t size, length;
};

static void put(struct output *output, const char *text, size_t length) {
    for (size_t i = 0; i < length; i++, output->length++) {
        if (output->length + 1 < output->size) {
            output->at[output->length] = text[i];
        }
    }
}

static void put_number(struct output *output, uint64_t value, unsigned int base, int negative) {
    char text[24];
    size_t at = sizeof text;
    do {
        text[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    if (negative) {
        text[--at] = '-';
    }
    put(output, text + at, sizeof text - at);
}

/** One directive, its beginning (`%`, precision, `ll`) already read. */
static void put_directive(struct output *output, char kind, int wide, size_t precision, va_list *arguments) {
    switch (kind) {
    case 's': {
        const char *text = va_arg(*arguments, const char *);
        put(output, text, strnlen(text, precision));
        break;
    }
    case 'd': {
        int64_t value = wide ? va_arg(*arguments, long long) : va_arg(*arguments, int);
        put_number(output, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 10, value < 0);
        break;
    }
    case 'u':
    case 'x':
        put_number(output, wide ? va_arg(*arguments, unsigned long long) : va_arg(*arguments, unsigned int), kind == 'x' ? 16 : 10, 0);
        break;
    default:
        put(output, &kind, 1);
    }
}

size_t format_arguments(char *out, size_t size, const char *format, va_list arguments) {
    struct output output = {out, size, 0};
    va_list rest;
    va_copy(rest, arguments);
    while (*format != '\0') {
        size_t plain = strcspn(format, "%");
        put(&output, format, plain);
        format += plain;
        if (*format == '\0') {
            break;
        }
        format++;
        size_t precision = SIZE_MAX;
        if (*format == '.') {
            format++;
            if (*format == '*') {
                format++;
                precision = (size_t)va_arg(rest, int);
            } else {
                for (precision = 0; *format >= '0' && *format <= '9'; format++) {
                    precision = precision * 10 + (size_t)(*format - '0');
                }
            }
        }
        int wide = format[0] == 'l' && format[1] == 'l';
        format += wide ? 2 : 0;
        put_directive(&output, *format, wide, precision, &rest);
        format += *format == '\0' ? 0 : 1;
    }
    va_end(rest);
    if (size > 0) {
        out[output.length < size ? output.length : size - 1] = '\0';
    }
    return output.length;
}

size_t format_text(char *out, size_t size, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    size_t length = format_arguments(out, size, format, arguments);
    va_end(arguments);
    return length;
}
