#ifndef NSEXEC_ERROR_H
#define NSEXEC_ERROR_H

/** Exit codes of the shim itself; anything else is the workload's. */
enum { EXIT_OWN_FAILURE = 125, EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127 };

/**
 * What went wrong. Every function that can fail takes one as its last parameter and returns a negative number; callers add
 * what they were doing with wrap() on the way up, and only main prints it.
 */
struct error {
    const char *code; /**< one of the codes of README.md, static text */
    int number;       /**< errno, or 0 */
    int exit_code;    /**< 125, or 126/127 for a program that cannot be executed */
    char text[768];
};

/** Records the failure. The text names the object in backticks and does not repeat strerror(number). Always returns -1. */
__attribute__((format(printf, 4, 5))) int fail(struct error *err, const char *code, int number, const char *format, ...);

/** Puts what was being done in front of the text. Always returns -1. */
__attribute__((format(printf, 2, 3))) int wrap(struct error *err, const char *format, ...);

/** The whole sentence: text and, when there is one, the description of errno. Truncated to fit. */
void error_message(const struct error *err, char *out, unsigned long size);

#endif
