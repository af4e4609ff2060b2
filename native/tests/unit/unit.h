/* Unit tests of nsexec's parsers, for what this machine's kernel does not say or nobody should have to provoke. One group a file. */
#pragma once
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

/* error.h has a function of that name, which cmocka's macros would call. */
#undef fail
#undef fail_msg
#define fail_msg(...) (print_error (__VA_ARGS__), print_error ("\n"), _fail (__FILE__, __LINE__))

#define COUNT(array) (sizeof (array) / sizeof *(array))
#define SPAN(text) ((struct span){ (text), strlen (text) })

int unit_proc (void);
int unit_mountinfo (void);
int unit_lines (void);
int unit_words (void);
int unit_workload (void);
int unit_undo (void);
int unit_setting (void);
int unit_options (void);
int unit_sample (void);
int unit_netlink (void);
int unit_space (void);
int unit_hold (void);
int unit_seal (void);
int unit_segment (void);
int unit_listen (void);
int unit_inflate (void);
int unit_toolbox (void);
int unit_agent (void);
int unit_processes (void);
