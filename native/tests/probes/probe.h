/* What a workload or a target sees and does, asked of it from inside. One program, static and dynamic; the first argument names the part. */
#pragma once
#include <stdio.h>

/* Every part takes its own arguments (argv[0] is the part's name) and returns an exit status. */
int probe_report (int argc, char **argv);  /* report: who and where am I, one key=value a line */
int probe_hold (int argc, char **argv);    /* hold: report, then stay until TERM */
int probe_parent (int argc, char **argv);  /* parent PATH: inode of the namespace that the one at PATH is nested in */
int probe_exit (int argc, char **argv);    /* exit N */
int probe_die (int argc, char **argv);     /* die SIGNAL */
int probe_signals (int argc, char **argv); /* signals: name every signal that arrives; TERM ends it with 0 */
int probe_ignore (int argc, char **argv);  /* ignore-term: only KILL ends it */
int probe_deaf (int argc, char **argv);    /* deaf PROGRAM ARG...: in this process, with the signals 32 and 33 ignored */
int probe_family (int argc, char **argv);  /* family KIND...: descendants of every kind; "exit" last lets the eldest go */
int probe_write (int argc, char **argv);   /* write PATH TEXT */
int probe_fill (int argc, char **argv);    /* fill PATH BYTES: how much fits */
int probe_spin (int argc, char **argv);    /* spin MS: burn one CPU */
int probe_eat (int argc, char **argv);     /* eat BYTES: touch memory and keep it */
int probe_disk (int argc, char **argv);    /* disk PATH BYTES: write and fsync, then read past the cache */
int probe_litter (int argc, char **argv);  /* litter FILES DEPTH [mount]: all kinds of things in the working directory, then as hold */
int probe_record (int argc, char **argv);  /* record DIR [NAME TEXT]: the records on a cgroup; or put one there */
int probe_ipc (int argc, char **argv);     /* ipc WHAT... [exit]: makes shm, sem, msg, /QUEUE, each by a process that ends; or attach=ID; then stays */
int probe_climb (int argc, char **argv);   /* climb MARKER: follow ".." from the working directory, look for MARKER above */
int probe_listen (int argc, char **argv);  /* listen ADDRESS PORT: IPv4 TCP, accepted by the kernel alone */
int probe_attack (int argc, char **argv);  /* attack ACT OUT: trace, stop, kill, descriptors, pids, rename or mounts, until TERM; a line "gained ..." for what it wins */
int probe_unshare (int argc, char **argv); /* unshare: what unshare(2) of a user namespace says, as unshare=MESSAGE */
int probe_lay_down (int argc, char **argv); /* lay-down FILE: lays every capability down when FILE appears, and waits */
int probe_scan (int argc, char **argv);    /* scan OUT MARKER: a hostile target looking at its new neighbours; TERM ends it */

/* Prints "NAME: message: strerror" and returns 1. */
int probe_failed (const char *what);

/* A whole decimal or, with 0x, hexadecimal number. Ends the program with status 2 when TEXT is none. */
long long probe_number (const char *text);

/* Waits for signals for ever; every wait in the probes ends by a signal or not at all. */
_Noreturn void probe_wait (void);
