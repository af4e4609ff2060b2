#ifndef NSEXEC_FORMAT_H
#define NSEXEC_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/**
 * snprintf(3) with what nsexec needs of it: %s %.Ns %.*s %d %u %lld %llu %llx %%. Anything else is copied as it stands. libc's
 * brings floating point along, which on arm64 alone is a sixth of the binary. Returns the length that it would have had.
 */
__attribute__((format(printf, 3, 4))) size_t format_text(char *out, size_t size, const char *format, ...);
__attribute__((format(printf, 3, 0))) size_t format_arguments(char *out, size_t size, const char *format, va_list arguments);

#endif
