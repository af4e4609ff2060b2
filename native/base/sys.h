#ifndef NSEXEC_SYS_H
#define NSEXEC_SYS_H

/*
 * System calls without libc. The preload hook has no libc of its own (it runs inside whatever libc the program brought), the children of a raw clone
 * must not run libc's fork handlers, and musl 1.2.3 has no wrapper for half of these. Each returns a negative errno on failure, as the kernel does.
 */

#include <asm/unistd.h>
#include <stddef.h>
#include <stdint.h>

/* Newer than the oldest kernel headers we build with. */
#ifndef __NR_close_range
#define __NR_close_range 436
#endif
#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

static inline long sys6(long number, long a, long b, long c, long d, long e, long f) {
#if defined(__x86_64__)
    long result = 0;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory", "cc");
    return x0;
#else
#error "nsexec is written for x86_64 and aarch64"
#endif
}

#define sys0(n) sys6(n, 0, 0, 0, 0, 0, 0)
#define sys1(n, a) sys6(n, (long)(a), 0, 0, 0, 0, 0)
#define sys2(n, a, b) sys6(n, (long)(a), (long)(b), 0, 0, 0, 0)
#define sys3(n, a, b, c) sys6(n, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define sys4(n, a, b, c, d) sys6(n, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define sys5(n, a, b, c, d, e) sys6(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)

/** struct clone_args up to and with `cgroup` (Linux 5.7); the kernel takes the size as the version. */
struct clone3_arguments {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

/** struct statx, 256 bytes, which musl 1.2.3 has not. */
struct statx_facts {
    uint32_t mask, block_size;
    uint64_t attributes;
    uint32_t owner_and_mode[4];
    uint64_t inode, size, blocks, attributes_mask;
    uint64_t others[24];
};

/** fork(2) with flags, without libc's handlers: 0 in the child. CLONE_PARENT and CLONE_NEWPID are what it is for. */
static inline long sys_fork(unsigned long flags) {
    return sys5(__NR_clone, flags | 17 /* SIGCHLD */, 0, 0, 0, 0);
}

/** clone(2) of a process that is a child of the caller's own parent. With `thread_id` the kernel writes the child's pid there, in the child, and clears it at its end. */
static inline long sys_fork_sibling(unsigned long flags, void *thread_id) {
    enum { PARENT = 0x8000, CHILD_SETTID = 0x01000000, CHILD_CLEARTID = 0x00200000 };
    flags |= PARENT | 17 /* SIGCHLD */ | (thread_id != NULL ? CHILD_SETTID | CHILD_CLEARTID : 0);
#if defined(__x86_64__)
    return sys5(__NR_clone, flags, 0, 0, thread_id, 0);
#else
    return sys5(__NR_clone, flags, 0, 0, 0, thread_id);
#endif
}

/** Ignores a signal. sigaction(2) */
static inline void sys_ignore(int signal) {
    static const uint64_t action[4] = {1 /* SIG_IGN */}; /* No flags, no restorer, no mask. */
    sys4(__NR_rt_sigaction, signal, action, 0, sizeof *action);
}

/** Closes first … last. Before Linux 5.9 one by one: all our descriptors are small numbers. */
static inline void sys_close_from(unsigned int first, unsigned int last) {
    if (first > last || sys3(__NR_close_range, first, last, 0) == 0) {
        return;
    }
    for (unsigned int fd = first; fd <= last && fd < 1024; fd++) {
        sys1(__NR_close, fd);
    }
}

__attribute__((noreturn)) static inline void sys_exit(int status) {
    for (;;) {
        sys1(__NR_exit_group, status);
    }
}

#endif
